/** Running one case on one device: reproducible inputs, results on the host, times, and the limits that rates are held against. */
import * as N from '../dist/index.js';

const { tf } = N;
const used = new Set();
const call = N.NativeBackend.prototype.call;
N.NativeBackend.prototype.call = function (name) {
  used.add(name);
  return call.apply(this, [name]);
};

export const device = {
  /** Name of the GPU, or null. */
  probe: () => N.nativeInfo().gpu,
  cublasLt: () => N.nativeInfo().cublasLt,
  use: (name) => N.selectBackend('native', { device: name }),
  /** Kernels of the addon that nothing has called so far. */
  unusedKernels: () =>
    tf
      .backend()
      .binding.kernels()
      .filter((name) => !used.has(name)),
  fallbacks: () => Object.keys(N.counters().fallbackKernels),
  /** Rates of a copy and of big products: what the machine can do. */
  limits() {
    const n = 8192;
    const product = (precision) => {
      const one = {
        shapes: [
          [n, n],
          [n, n],
        ],
        precision,
        run: (_, [a, b]) => tf.matMul(a, b),
      };
      return (2 * n ** 3) / time(one, 200) / 1e6;
    };
    const count = 1 << 28;
    const copy = { shapes: [[count]], run: (_, [x]) => copyOf(x) };
    return { copy: (8 * count) / time(copy, 200) / 1e6, f32: product('float32'), bf16: product('bf16') };
  },
};

function copyOf(x) {
  const backend = tf.backend();
  const info = backend.call('Copy').tensor(x).output(x.shape, x.dtype);
  return tf.engine().makeTensorFromTensorInfo(info, backend);
}

/** Normal numbers that depend on the case's input alone; absolute values where a case asks for them. */
function inputsOf({ shapes, positive, asBf16 }) {
  return shapes.map((shape, stream) => {
    const x = N.randomNormal(shape, { seed: 3, stream, counter: 0 });
    const values = positive ? tf.add(tf.abs(x), 0.1) : x;
    return asBf16
      ? N.withAutocast('bf16', () => tf.engine().runKernel('StoreAsBf16', { x: values }))
      : values;
  });
}

const run = (one, inputs) =>
  N.withAutocast(one.precision ?? 'float32', () => [one.run({ N, tf }, inputs)].flat(2));

/** Values of all results of a case on the device in use. */
export function resultsOf(one) {
  return tf.tidy(() => run(one, inputsOf(one)).map((y) => y.dataSync()));
}

/** Largest difference relative to the largest value of a result (at least 1); infinite where a value is NaN on one side only. */
export function compare(actual, expected) {
  let worst = actual.length === expected.length ? 0 : Number.POSITIVE_INFINITY;
  for (const [i, values] of expected.entries()) {
    let [difference, magnitude] = [0, 1];
    for (let j = 0; j < values.length; j++) {
      const [a, e] = [actual[i][j], values[j]];
      if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
      const delta = Math.abs(a - e);
      difference = Number.isNaN(delta) ? Number.POSITIVE_INFINITY : Math.max(difference, delta);
      if (Number.isFinite(e)) magnitude = Math.max(magnitude, Math.abs(e));
    }
    worst = Math.max(worst, difference / magnitude);
  }
  return worst;
}

/** Waits for the device: a read comes behind all work. */
function settle() {
  const x = tf.fill([32], 0);
  x.dataSync();
  x.dispose();
}

/** Milliseconds of one call, from batches that end when the device has ended; the cost of waiting is taken off. */
export function time(one, budget) {
  return tf.tidy(() => {
    const inputs = inputsOf(one);
    const batch = (calls) => {
      settle();
      const start = performance.now();
      for (let i = 0; i < calls; i++) tf.tidy(() => void run(one, inputs));
      settle();
      return performance.now() - start;
    };
    const waiting = Math.min(...[1, 2, 3].map(() => batch(0)));
    let calls = 1;
    let best = Math.max(batch(1) - waiting, 1e-6);
    const end = performance.now() + budget;
    while (performance.now() < end) {
      calls = Math.min(1000, Math.max(1, Math.round(20 / best)));
      best = Math.min(best, Math.max(batch(calls) - waiting, 1e-6) / calls);
    }
    return best;
  });
}
