import type { MachineRates } from '@unicharacter/core';
import { InvalidArgumentError } from 'commander';

/** An option parser for whole numbers from `minimum` on. */
export function integer(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`Expected a whole number from ${minimum} on.`);
    }
    return value;
  };
}

/** An option parser for numbers from `minimum` to `maximum`. */
export function number(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= minimum && value <= maximum)) {
      throw new InvalidArgumentError(`Expected a number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** Width and height in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** `64` → 64 × 64; `96x64` → width 96, height 64. */
export function size(text: string): Size {
  const match = /^(\d{1,5})(?:[x×](\d{1,5}))?$/.exec(text.trim());
  const width = Number(match?.[1]);
  const height = Number(match?.[2] ?? match?.[1]);
  if (!(width > 0 && height > 0)) {
    throw new InvalidArgumentError('Expected one side or WIDTHxHEIGHT in pixels, for example 64 or 96x64.');
  }
  return { width, height };
}

/** `350e12,1.4e12` → operations and weight reads per second. */
export function machineRates(text: string): MachineRates {
  const [operations, weightReads, ...rest] = text.split(',').map(Number);
  if (!(operations! > 0 && weightReads! > 0) || rest.length > 0) {
    throw new InvalidArgumentError(
      'Expected two numbers above 0 with a comma between, for example 350e12,1.4e12.',
    );
  }
  return { learning: operations!, drawing: operations!, weightReads: weightReads! };
}

/** Gathers a repeatable option. */
export const collect = (text: string, earlier: string[]): string[] => [...earlier, text];

/**
 * Leaves out the members that are undefined, so that the receiver's defaults hold.
 */
export function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
