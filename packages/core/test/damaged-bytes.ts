/** Seeded numbers for fuzzing: integers in [0, below). */
export function seededIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A copy of `good` with one to three of its first `within` bytes changed, and in a quarter of all cases cut short. */
export function damaged(
  good: Buffer,
  random: (below: number) => number,
  within = good.length,
): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(good);
  for (let k = random(3); k >= 0; k--) bytes[random(within)] = random(256);
  return random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}
