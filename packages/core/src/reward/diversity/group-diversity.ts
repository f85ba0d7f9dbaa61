/**
 * How the diversity of a group is credited to its pictures. `per_image_mean_to_others`: each picture gets its mean
 * distance to the others, so the one that differs is rewarded. `group_mean`: all get the mean over all pairs, as in the
 * reference; a number that is the same for a whole group cancels inside a group advantage and teaches nothing.
 */
export type DiversityCredit = 'per_image_mean_to_others' | 'group_mean';

/**
 * Diversity of the n pictures of one group from their distances (rewards specification §6); 0 for a single picture.
 *
 * @param distances symmetric, [n, n] row-major
 * @returns [n]
 */
export function groupDiversity(distances: Float64Array, n: number, credit: DiversityCredit): Float64Array {
  if (n < 2) return new Float64Array(n);
  const toOthers = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) if (j !== i) sum += distances[i * n + j]!;
    return sum / (n - 1);
  });
  if (credit === 'per_image_mean_to_others') return toOthers;
  // Every pair is counted twice in the sum over pictures, and n (n − 1) is twice the number of pairs.
  const mean = toOthers.reduce((sum, value) => sum + value, 0) / n;
  return new Float64Array(n).fill(mean);
}
