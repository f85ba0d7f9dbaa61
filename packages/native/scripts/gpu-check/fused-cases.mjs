/** The fused ops for gpu-check, each forward and with gradients; see cases.mjs. */
const ELEMENTS_OF_A_PARAMETER = 1 << 23;

const size = (scale, n, unit = 16) => Math.max(unit, Math.round((n * scale) / unit) * unit);

const withGradients = (tf, run, inputs) => {
  const outputs = [run(...inputs)].flat();
  const loss = (...v) =>
    [run(...v)].flat().reduce((sum, y) => tf.add(sum, tf.sum(tf.mul(y, tf.cos(y)))), tf.scalar(0));
  return [...outputs, ...tf.grads(loss)(inputs)];
};

function rowOps(scale) {
  const matrix = [size(scale, 8192), 2048];
  const bytes = 4 * matrix[0] * matrix[1];
  const heads = [matrix[0], 16, 128];
  const op = (name, shapes, passes, run, precision) => ({
    name: `${name} with gradients`,
    precision,
    shapes,
    run: ({ N, tf }, inputs) => withGradients(tf, (...v) => run(N, tf, ...v), inputs),
    bytes: passes * bytes,
    tolerance: precision === 'bf16' ? 5e-2 : 1e-3,
  });
  const whole = (tf, n) =>
    tf.tensor1d(
      Int32Array.from({ length: n }, (_, i) => i % 5000),
      'int32',
    );
  return ['float32', 'bf16'].flatMap((precision) => [
    op('rmsNorm', [matrix, [2048]], 5, (N, _, x, w) => N.rmsNorm(x, w, 1e-6), precision),
    op('layerNorm', [matrix, [2048], [2048]], 5, (N, _, x, w, b) => N.layerNorm(x, w, b, 1e-6), precision),
    op('swiglu', [matrix, matrix], 8, (N, _, x, y) => N.swiglu(x, y), precision),
    op('silu', [matrix], 5, (N, _, x) => N.silu(x), precision),
    op('geluTanh', [matrix], 5, (N, _, x) => N.geluTanh(x), precision),
    op('rope', [heads], 4, (N, tf, x) => N.rope(x, whole(tf, matrix[0]), 1e6), precision),
    op('dropout', [matrix], 4, (N, _, x) => N.dropout(x, 0.1, { seed: 1, stream: 2, counter: 3 }), precision),
  ]);
}

/** Four samples of a causal text and an image each, as training packs them. */
function mixedLayout(N, tokens) {
  const column = (f) => Int32Array.from({ length: tokens }, (_, i) => f(i));
  const sample = (i) => Math.floor((4 * i) / tokens);
  const isImage = (i) => ((4 * i) / tokens) % 1 >= 0.5;
  return new N.AttentionLayout({
    sample: column(sample),
    split: column((i) => 2 * sample(i) + Number(isImage(i))),
    order: column((i) => i),
    mode: column((i) => (isImage(i) ? N.AttentionMode.full : N.AttentionMode.causal)),
  });
}

function attention(scale) {
  const tokens = size(Math.sqrt(scale), 4096, 64);
  const cases = [];
  for (const [precision, d] of [
    ['float32', 64],
    ['bf16', 64],
    ['bf16', 128],
  ]) {
    for (const kind of ['full', 'mixed']) {
      const pairs = kind === 'full' ? tokens ** 2 : tokens ** 2 / 6;
      const shapes = [8, 2, 2].map((heads) => [tokens, heads, d]);
      const run = (grad) => (t, inputs) => {
        const { N, tf } = t;
        const layout = kind === 'full' ? N.AttentionLayout.full(tokens) : mixedLayout(N, tokens);
        const f = (q, k, v) => N.packedAttention(q, k, v, layout);
        const results = grad ? withGradients(tf, f, inputs) : f(...inputs);
        layout.dispose();
        return results;
      };
      const name = `packedAttention ${kind} T ${tokens} heads 8/2 D ${d}`;
      const common = {
        precision,
        shapes,
        asBf16: precision === 'bf16',
        tolerance: precision === 'bf16' ? 5e-2 : 1e-3,
      };
      cases.push({ ...common, name, run: run(false), flops: 4 * pairs * 8 * d });
      cases.push({ ...common, name: `${name} with gradients`, run: run(true), flops: 14 * pairs * 8 * d });
    }
  }
  return [...cases, decoding(scale)];
}

function decoding(scale) {
  const past = size(scale, 4096, 64);
  const pages = past / 64 + 1;
  return {
    name: `cachedAttention, one token after ${past}, kvWrite`,
    shapes: [
      [1, 8, 128],
      [1, 2, 128],
      [1, 2, 128],
      [pages, 64, 2, 128],
      [pages, 64, 2, 128],
    ],
    run: ({ N, tf }, [q, k, v, keys, values]) => {
      const pageTable = Int32Array.from({ length: pages }, (_, i) => pages - 1 - i);
      const pool = tf.add(keys, 0);
      N.kvWrite([pool], Int32Array.of(0), k);
      return [
        N.cachedAttention(q, k, v, { keys: [keys], values: [values], pageTable, length: past }, true),
        pool,
      ];
    },
    bytes: 16 * pages * 64 * 2 * 128,
    tolerance: 1e-4,
  };
}

function losses(scale) {
  const tokens = size(scale, 2048);
  const vocabulary = size(Math.sqrt(scale), 32768);
  const whole = (tf, n, limit) =>
    tf.tensor1d(
      Int32Array.from({ length: n }, (_, i) => (i * 7919) % limit),
      'int32',
    );
  return ['float32', 'bf16'].map((precision) => ({
    name: `linearCrossEntropy ${tokens}×512 of ${vocabulary} with gradients`,
    precision,
    shapes: [
      [tokens, 512],
      [vocabulary, 512],
    ],
    run: ({ N, tf }, inputs) =>
      withGradients(
        tf,
        (h, w) => tf.mul(N.linearCrossEntropy(tf.mul(h, 0.1), w, whole(tf, tokens, vocabulary)), 1 / tokens),
        inputs,
      ),
    flops: 8 * tokens * 512 * vocabulary,
    tolerance: precision === 'bf16' ? 5e-2 : 1e-3,
  }));
}

function policy(scale) {
  const n = size(scale, 1 << 20);
  const latents = [size(scale, 64, 4), 16384];
  const bytes = 4 * latents[0] * latents[1];
  const times = { t: 0.8, tNext: 0.7, noiseLevel: 0.7 };
  return [
    {
      name: `grpoAdvantage, ${n} samples in groups of 16`,
      shapes: [[n]],
      run: ({ N, tf }, [rewards]) => {
        const groups = tf.tensor1d(
          Int32Array.from({ length: n }, (_, i) => Math.floor(i / 16) * 31),
          'int32',
        );
        return ['group', 'global', 'none'].flatMap((scope) =>
          Object.values(N.grpoAdvantage(rewards, groups, { scope })),
        );
      },
      bytes: 3 * 12 * n,
    },
    {
      name: 'grpoLoss with gradients',
      shapes: [[n], [n], [n]],
      run: ({ N, tf }, [now, old, advantage]) => {
        const run = (x) =>
          N.grpoLoss(tf.mul(x, 0.1), tf.mul(old, 0.1), advantage, { clipLow: 0.2, clipHigh: 0.3 });
        const { loss, clippedAbove, clippedBelow } = run(now);
        return [loss, clippedAbove, clippedBelow, tf.grad((x) => tf.sum(run(x).loss))(now)];
      },
      bytes: 36 * n,
    },
    {
      name: 'flowSdeStep, flowSdeLogProb, gaussianKl with gradients',
      shapes: [latents, latents, latents],
      run: ({ N, tf }, [x, v, e]) => {
        const { next, mean, logProb } = N.flowSdeStep(x, v, e, times);
        const probability = (u) => tf.sum(N.flowSdeLogProb(next, x, u, times).logProb);
        const divergence = (u) => tf.sum(N.gaussianKl(u, x, 0.5));
        return [
          next,
          mean,
          logProb,
          tf.grad(probability)(tf.mul(v, 1.1)),
          N.gaussianKl(v, x, 0.5),
          tf.grad(divergence)(v),
        ];
      },
      bytes: 13 * bytes,
      tolerance: 1e-3,
    },
    {
      name: 'flowInterpolate',
      shapes: [latents, latents],
      run: ({ N, tf }, [x, e]) => Object.values(N.flowInterpolate(x, e, tf.fill([latents[0]], 0.3))),
      bytes: 4 * bytes,
    },
    {
      name: 'randomNormal, randomUniform',
      shapes: [],
      run: ({ N }) => [
        N.randomNormal(latents, { seed: 5, stream: 1, counter: 9 }),
        N.randomUniform(latents, { seed: 5, stream: 2, counter: 9 }),
      ],
      bytes: 2 * bytes,
      tolerance: 0,
    },
  ];
}

function optimizer(scale) {
  const n = size(scale, ELEMENTS_OF_A_PARAMETER);
  const shapes = [[n], [7, 33], [n]];
  const step = (momentType) => ({
    name: `AdamW, moments ${momentType}; globalNorm, EMA`,
    shapes: [...shapes, ...shapes],
    run: ({ N, tf }, inputs) => {
      const vars = inputs.slice(0, 3).map((x) => tf.variable(x));
      const averages = inputs.slice(0, 3).map((x) => tf.variable(x));
      const gradients = inputs.slice(3);
      const adamw = new N.AdamW({
        lr: 1e-3,
        betas: [0.9, 0.99],
        eps: 1e-8,
        weightDecay: 0.1,
        clipNorm: 1,
        state: momentType,
      });
      const norms = [1, 2].map(() => adamw.step(vars, gradients));
      N.emaUpdate(averages, vars, 0.9);
      const results = [...vars, ...averages].map((x) => tf.add(x, 0));
      adamw.dispose();
      tf.dispose([vars, averages]);
      return [...norms, ...results];
    },
    bytes: 2 * 2 * n * { float32: 28, bf16: 20, int8: 16 }[momentType],
    tolerance: 1e-4,
  });
  return [step('float32'), step('bf16'), step('int8')];
}
export function fusedCases(scale) {
  return [...rowOps(scale), ...attention(scale), ...losses(scale), ...policy(scale), ...optimizer(scale)];
}
