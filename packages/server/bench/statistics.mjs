/** The value below which that share of the values lies. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** `{code: 3}` of a list of errors. */
export function countByCode(errors) {
  const counts = {};
  for (const { code } of errors) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}
