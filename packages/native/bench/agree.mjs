const TOLERANCE = { float32: 2e-3, bf16: 4e-2 };

/**
 * Why the sampled results of a peer differ from ours, or undefined when they agree: the largest difference, relative to
 * the largest value of the output.
 */
export function disagreement(dtype, ours, theirs) {
  if (ours.length !== theirs.length) return `${theirs.length} results instead of ${ours.length}`;
  for (const [i, own] of ours.entries()) {
    const scale = Math.max(...own.map(Math.abs), 1e-20);
    const worst = Math.max(...own.map((value, j) => Math.abs(value - theirs[i][j]) / scale));
    if (!(worst <= TOLERANCE[dtype]))
      return `result ${i} differs by ${worst.toPrecision(2)} of its largest value`;
  }
  return undefined;
}
