import type { Colour, Look } from '../attributes.js';

/** A colour of the vocabulary as paint: the surface, its shaded side, and a light tint for bellies and muzzles. */
export interface Paint {
  readonly base: string;
  readonly shade: string;
  readonly light: string;
}

const PAINTS: Readonly<Record<Colour, Paint>> = {
  red: { base: '#e5484d', shade: '#b8323a', light: '#ff9a9a' },
  orange: { base: '#f58a33', shade: '#cf6a18', light: '#ffc58c' },
  yellow: { base: '#f7cf3c', shade: '#d5a717', light: '#ffeb9c' },
  green: { base: '#4cb563', shade: '#33904a', light: '#a5e0a9' },
  blue: { base: '#3f86e0', shade: '#2a64b4', light: '#9cc8fa' },
  purple: { base: '#8a5bd0', shade: '#6a3fb0', light: '#c7a8f2' },
  pink: { base: '#f48fb8', shade: '#d96a99', light: '#ffc9dd' },
  brown: { base: '#9a6840', shade: '#774c2b', light: '#cfa47c' },
  white: { base: '#f6f3ee', shade: '#d5cfc8', light: '#ffffff' },
  grey: { base: '#99a1ab', shade: '#757d88', light: '#c9cfd6' },
  black: { base: '#3b3c46', shade: '#24252d', light: '#6b6d7a' },
};

const IRISES: Readonly<Record<Look['eyes'], string>> = {
  black: '#1d1a22',
  blue: '#2f8fe8',
  green: '#2fae58',
  brown: '#8a5426',
  yellow: '#e6b312',
  purple: '#8b4fd8',
};

export const INK = '#2b2430';

export function paint(colour: Colour): Paint {
  return PAINTS[colour];
}

export function iris(eyes: Look['eyes']): string {
  return IRISES[eyes];
}
