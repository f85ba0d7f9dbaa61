import Type, { type Static } from 'typebox';
import { WeightsError } from '../../model/weight-store.js';
import { ActivationName } from './activation.js';

export const Count = Type.Integer({ minimum: 1 });

/** What the configurations of transformer towers have in common; published files leave keys out. */
export const towerFields = {
  hidden_size: Type.Optional(Count),
  intermediate_size: Type.Optional(Count),
  num_hidden_layers: Type.Optional(Count),
  num_attention_heads: Type.Optional(Count),
  hidden_act: Type.Optional(ActivationName),
  layer_norm_eps: Type.Optional(Type.Number()),
};

const TowerFile = Type.Object(towerFields);

export interface TowerConfig {
  readonly width: number;
  /** Width inside the feed-forward part. */
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly activation: ActivationName;
  readonly normEps: number;
}

/**
 * The sizes that a file gives, the defaults of the architecture for the others.
 *
 * @param where file and part of it, for messages
 * @throws WeightsError when the heads do not divide the width
 */
export function towerConfig(
  file: Static<typeof TowerFile>,
  defaults: TowerConfig,
  where: string,
): TowerConfig {
  const config = {
    width: file.hidden_size ?? defaults.width,
    inner: file.intermediate_size ?? defaults.inner,
    layers: file.num_hidden_layers ?? defaults.layers,
    heads: file.num_attention_heads ?? defaults.heads,
    activation: file.hidden_act ?? defaults.activation,
    normEps: file.layer_norm_eps ?? defaults.normEps,
  };
  checkHeads(config, where);
  return config;
}

export function checkHeads({ width, heads }: { width: number; heads: number }, where: string): void {
  if (width % heads === 0) return;
  throw new WeightsError(`${where}: expected a width that ${heads} heads divide, found ${width}`);
}
