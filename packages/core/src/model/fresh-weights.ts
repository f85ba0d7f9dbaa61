import { randomNormal, tf } from '@unicharacter/native';
import type { TensorSpec } from './checkpoint-names.js';
import { sinCosTable } from './embeddings.js';
import { memoryShape } from './weight-layout.js';

/**
 * The initial values of a weight in memory layout. Random ones come from a stream of their own, keyed by seed and name, so
 * that a weight does not depend on which others exist.
 */
export function freshTensor(spec: TensorSpec, seed: number): tf.Tensor {
  const { init } = spec;
  const shape = memoryShape(spec.shape);
  if (init.kind === 'zeros') return tf.zeros(shape);
  if (init.kind === 'ones') return tf.ones(shape);
  if (init.kind === 'table') return tf.tensor(sinCosTable(init.side, spec.shape[1] as number), shape);
  return tf.mul(randomNormal(shape, { seed, stream: nameStream(spec.name), counter: 0 }), init.std);
}

/** A random stream number for a name: 32-bit FNV-1a. */
export function nameStream(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
