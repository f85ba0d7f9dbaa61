const LEAST_MS = 0.5;
// Allocators and caches find their size in the first calls.
const SETTLING_CALLS = 2;
const SETTLING_MS = 500;
// V8 compiles hot code after some thousand calls.
const WARM_UP_MS = 100;

/**
 * Times a function that has run before. Short calls are timed in batches, so that the clock does not count, after as many
 * calls as the compiler needs.
 * @param {() => unknown} once a promise is awaited
 * @param {number} budget milliseconds to spend
 * @returns {Promise<{median: number, min: number, repeats: number}>} milliseconds per call
 */
export async function measure(once, budget) {
  let first = 0;
  for (let i = 0; i < SETTLING_CALLS && first < SETTLING_MS; i++) first = await batch(once, 1);
  let calls = 1;
  if (first < LEAST_MS) {
    const perCall = await warmUp(once);
    calls = Math.max(1, Math.ceil(LEAST_MS / perCall));
  }
  const times = calls === 1 ? [first] : [];
  const end = performance.now() + budget - first;
  while (times.length === 0 || performance.now() < end) times.push((await batch(once, calls)) / calls);
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], min: times[0], repeats: times.length * calls };
}

async function batch(once, calls) {
  const start = performance.now();
  for (let i = 0; i < calls; i++) {
    const pending = once();
    if (pending instanceof Promise) await pending;
  }
  return performance.now() - start;
}

/** Calls until WARM_UP_MS have passed. @returns milliseconds per call in the end */
async function warmUp(once) {
  let calls = 1;
  let taken = 0;
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; calls *= 2) {
    taken = (await batch(once, calls)) / calls;
  }
  return taken;
}
