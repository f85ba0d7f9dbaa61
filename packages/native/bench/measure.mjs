/** Fills a shape with numbers between 0 and 1 that are the same on every backend. */
function input(tf, shape) {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => (i % 97) / 97),
    shape,
  );
}

/**
 * Median milliseconds per call. A call is complete when a value of its result has been read, but the read is outside
 * the measured calls: every backend here computes before it returns.
 * @param {{inputs: number[][], run: Function}} one of the cases
 * @param {number} budget milliseconds to spend
 */
export function measure(tf, { inputs, run }, budget) {
  const tensors = inputs.map((shape) => input(tf, shape));
  const once = () => tf.dispose(run(tf, tensors));
  once();
  const times = [];
  const end = performance.now() + budget;
  do {
    const start = performance.now();
    let calls = 0;
    do {
      once();
      calls++;
    } while (performance.now() - start < 0.5);
    times.push((performance.now() - start) / calls);
  } while (performance.now() < end);
  tf.dispose(tensors);
  times.sort((a, b) => a - b);
  return times[times.length >> 1];
}
