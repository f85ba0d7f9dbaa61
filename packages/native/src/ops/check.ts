/** Argument checks of the fused ops. Each error names the op, what it expected and the shape it found. */
import type * as tf from '../../lib/tfjs.mjs';

/** `name float32 [2,3]`, for error messages. */
export function describe(name: string, x: tf.Tensor): string {
  return `${name} ${x.dtype} [${x.shape}]`;
}

/** Throws unless `condition`; `expected` is a phrase, `tensors` are listed with their shapes. */
export function expectThat(
  condition: boolean,
  op: string,
  expected: string,
  tensors: Record<string, tf.Tensor>,
): asserts condition {
  if (condition) return;
  const found = Object.entries(tensors).map(([name, x]) => describe(name, x));
  throw new Error(`${op}: expected ${expected}, found ${found.join(', ')}`);
}

/** Throws unless all tensors are float32. */
export function expectFloat(op: string, tensors: Record<string, tf.Tensor>): void {
  const wrong = Object.values(tensors).some((x) => x.dtype !== 'float32');
  expectThat(!wrong, op, 'float32 tensors', tensors);
}

export function sameShape(a: tf.Tensor, b: tf.Tensor): boolean {
  return a.shape.length === b.shape.length && a.shape.every((size, i) => size === b.shape[i]);
}

/** Size of the last dimension; 1 for a scalar. */
export function lastSize(x: tf.Tensor): number {
  return x.shape.at(-1) ?? 1;
}

/** Throws unless the factor on q·k of an attention is a positive number. */
export function expectScale(op: string, scale: number): void {
  if (scale > 0 && Number.isFinite(scale)) return;
  throw new Error(`${op}: expected a positive scale, found ${scale}`);
}
