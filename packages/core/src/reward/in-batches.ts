/** Applies `f` to slices of at most `size` items and joins the results. Bounds the memory of a vision tower. */
export function inBatches<Item, Result>(
  items: readonly Item[],
  size: number,
  f: (batch: readonly Item[]) => readonly Result[],
): Result[] {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += size)
    results.push(...f(items.slice(start, start + size)));
  return results;
}
