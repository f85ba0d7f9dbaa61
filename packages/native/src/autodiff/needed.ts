/**
 * Which input gradients the backward driver wants from the node it is visiting.
 *
 * A fused backward kernel often computes several gradients in one pass; asking here lets it leave out those of frozen
 * inputs. Under tfjs-core's own driver nothing is known and every answer is true.
 */
let wanted: ReadonlySet<string> | null = null;

/** True when the gradient of the input called `name` (position as text for `customGrad`) will be used. */
export function gradientNeeded(name: string): boolean {
  return wanted === null || wanted.has(name);
}

/** Sets the wanted inputs while `f` runs; null means "all". */
export function withNeededGradients<T>(names: ReadonlySet<string> | null, f: () => T): T {
  const before = wanted;
  wanted = names;
  try {
    return f();
  } finally {
    wanted = before;
  }
}
