/** Number format in which matrix products and convolutions compute. */
export type Precision = 'bf16' | 'float32';

let active: Precision = 'float32';

/** The precision in force now. Kernels and fused ops ask when they run. */
export function currentPrecision(): Precision {
  return active;
}

/**
 * Runs `f` with matrix products and convolutions in the given precision. With 'bf16' their operands are rounded to
 * bf16, sums are kept in f32 and their results are stored as bf16; everything else follows the types of its inputs.
 * `f` must be synchronous; scopes nest.
 */
export function withAutocast<T>(precision: Precision, f: () => T): T {
  const before = active;
  active = precision;
  try {
    return f();
  } finally {
    active = before;
  }
}
