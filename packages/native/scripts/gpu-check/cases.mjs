/**
 * What gpu-check runs on both devices. `scale` is 1 on a GPU and small elsewhere.
 *
 * `shapes` are float inputs; `run` gives the tensors that are compared; `flops` or `bytes` is what one call must do at least.
 */
const ELEMENTS = 1 << 24;

const size = (scale, n, unit = 16) => Math.max(unit, Math.round((n * scale) / unit) * unit);

function elementwise(scale) {
  const n = size(scale, ELEMENTS);
  const one = (name, run, positive = false) => ({ name, shapes: [[n]], run, bytes: 8 * n, positive });
  const two = (name, run) => ({ name, shapes: [[n], [n]], run, bytes: 12 * n });
  const unary = [
    'abs',
    'neg',
    'square',
    'sign',
    'exp',
    'expm1',
    'sin',
    'cos',
    'tan',
    'atan',
    'sinh',
    'cosh',
    'asinh',
  ];
  unary.push(
    'tanh',
    'sigmoid',
    'relu',
    'relu6',
    'elu',
    'selu',
    'softplus',
    'erf',
    'floor',
    'ceil',
    'round',
    'isNaN',
  );
  unary.push('isInf', 'isFinite');
  const positive = ['sqrt', 'rsqrt', 'log', 'log1p', 'reciprocal'];
  const binary = [
    'add',
    'sub',
    'mul',
    'div',
    'maximum',
    'minimum',
    'squaredDifference',
    'atan2',
    'equal',
    'notEqual',
  ];
  binary.push('greater', 'greaterEqual', 'less', 'lessEqual');
  return [
    ...unary.map((name) => one(name, ({ tf }, [x]) => tf[name](x))),
    ...positive.map((name) => one(name, ({ tf }, [x]) => tf[name](x), true)),
    ...binary.map((name) => two(name, ({ tf }, [a, b]) => tf[name](a, b))),
    one('acos, asin, atanh', ({ tf }, [x]) => {
      const small = tf.sin(x);
      return [tf.acos(small), tf.asin(small), tf.atanh(tf.mul(small, 0.9))];
    }),
    one('acosh', ({ tf }, [x]) => tf.acosh(tf.add(tf.abs(x), 1))),
    one('pow', ({ tf }, [x]) => tf.pow(x, 1.7), true),
    two('mod, floorDiv', ({ tf }, [a, b]) => [tf.mod(a, tf.add(tf.abs(b), 0.5)), tf.floor(tf.div(a, b))]),
    one('step, leakyRelu, clip', ({ tf }, [x]) => [
      tf.step(x, 0.2),
      tf.leakyRelu(x),
      tf.clipByValue(x, -1, 0.5),
    ]),
    two('logic', ({ tf }, [a, b]) => {
      const [p, q] = [tf.greater(a, 0), tf.greater(b, 0)];
      return [tf.logicalAnd(p, q), tf.logicalOr(p, q), tf.logicalNot(p), tf.where(p, a, b)];
    }),
    one('cast', ({ tf }, [x]) => [tf.cast(tf.mul(x, 100), 'int32'), tf.cast(x, 'bool')]),
    two('whole numbers', ({ tf }, [a, b]) => {
      const [p, q] = [tf.cast(tf.mul(a, 100), 'int32'), tf.cast(tf.add(tf.abs(tf.mul(b, 9)), 1), 'int32')];
      return [tf.add(p, q), tf.mul(p, q), tf.floorDiv(p, q), tf.mod(p, q), tf.sum(p), tf.max(p), tf.min(p)];
    }),
  ];
}

function gradients(scale) {
  const n = size(scale, ELEMENTS / 4);
  const functions = [
    'sigmoid',
    'tanh',
    'relu',
    'relu6',
    'elu',
    'square',
    'abs',
    'softplus',
    'erf',
    'sin',
    'cos',
  ];
  const positive = ['sqrt', 'rsqrt', 'log', 'log1p', 'reciprocal'];
  const grad = (name, isPositive) => ({
    name: `gradient of ${name}`,
    shapes: [[n], [n]],
    positive: isPositive,
    run: ({ tf }, [x, dy]) => tf.grad((v) => tf[name](v))(x, dy),
    bytes: 12 * n,
  });
  return [
    ...functions.map((name) => grad(name, false)),
    ...positive.map((name) => grad(name, true)),
    {
      name: 'gradient of clip, leakyRelu',
      shapes: [[n], [n]],
      run: ({ tf }, [x, dy]) => [
        tf.grad((v) => tf.clipByValue(v, -0.5, 0.5))(x, dy),
        tf.grad((v) => tf.leakyRelu(v))(x, dy),
      ],
      bytes: 24 * n,
    },
  ];
}

function movement(scale) {
  const rows = size(scale, 4096);
  const matrix = [rows, 1024];
  const bytes = 8 * rows * 1024;
  const moved = (name, run, times = 1) => ({ name, shapes: [matrix], run, bytes: bytes * times });
  const whole = (tf, count, limit) =>
    tf.tensor1d(
      Int32Array.from({ length: count }, (_, i) => (i * 7919) % limit),
      'int32',
    );
  return [
    moved('transpose', ({ tf }, [x]) => tf.transpose(x)),
    moved('reverse', ({ tf }, [x]) => tf.reverse(x, 1)),
    moved('pad', ({ tf }, [x]) =>
      tf.pad(x, [
        [1, 2],
        [3, 4],
      ]),
    ),
    moved('mirrorPad', ({ tf }, [x]) =>
      tf.mirrorPad(
        x,
        [
          [1, 2],
          [3, 4],
        ],
        'reflect',
      ),
    ),
    moved('concat, split', ({ tf }, [x]) => tf.concat(tf.split(x, [256, 768], 1).reverse(), 1), 2),
    moved('gather', ({ tf }, [x]) => tf.gather(x, whole(tf, rows, rows))),
    moved('gatherND', ({ tf }, [x]) => tf.gatherND(x, tf.reshape(whole(tf, rows, rows), [rows, 1]))),
    moved('unsortedSegmentSum', ({ tf }, [x]) => tf.unsortedSegmentSum(x, whole(tf, rows, 8), 8)),
    moved('scatterND', ({ tf }, [x]) =>
      tf.scatterND(tf.reshape(whole(tf, rows, 8), [rows, 1]), x, [8, 1024]),
    ),
    moved('oneHot', ({ tf }) => tf.oneHot(whole(tf, rows, 1024), 1024)),
    moved('cumsum, cumprod', ({ tf }, [x]) => [tf.cumsum(x, 1), tf.cumprod(tf.cos(tf.mul(x, 0.01)), 1)], 2),
    moved('topk', ({ tf }, [x]) => {
      const { values, indices } = tf.topk(x, 4);
      return [values, indices];
    }),
    moved('fill, range', ({ tf }) => [tf.fill(matrix, 0.5), tf.range(0, rows)]),
    moved('sum, mean', ({ tf }, [x]) => [tf.sum(x, 1), tf.mean(x, 0), tf.sum(x)]),
    moved('max, min, argMax, argMin', ({ tf }, [x]) => [
      tf.max(x, 1),
      tf.min(x, 0),
      tf.argMax(x, 1),
      tf.argMin(x, 1),
    ]),
    moved('prod, all, any', ({ tf }, [x]) => {
      const positive = tf.greater(x, -3);
      return [tf.prod(tf.cos(tf.mul(x, 0.01)), 1), tf.all(positive, 1), tf.any(positive, 0)];
    }),
    moved('softmax', ({ tf }, [x]) => tf.softmax(x)),
    moved('gradient of softmax', ({ tf }, [x]) => tf.grad((v) => tf.sum(tf.square(tf.softmax(v))))(x), 2),
  ];
}

function products(scale) {
  const n = size(Math.sqrt(scale), 4096);
  const product = (transposeA, transposeB, precision) => ({
    name: `matMul ${n}³${transposeA ? ' aᵀ' : ''}${transposeB ? ' bᵀ' : ''}`,
    precision,
    shapes: [
      [n, n],
      [n, n],
    ],
    run: ({ tf }, [a, b]) => tf.matMul(a, b, transposeA, transposeB),
    flops: 2 * n ** 3,
    tolerance: precision === 'bf16' ? 2e-2 : 1e-4,
  });
  const linear = (precision) => ({
    name: 'linear with gradients',
    precision,
    shapes: [[n, n / 2], [n, n / 2], [n]],
    run: ({ N, tf }, [x, w, bias]) => {
      const all = tf.grads((...v) => tf.sum(tf.square(N.linear(...v))))([x, w, bias]);
      return [N.linear(x, w, bias), ...all];
    },
    flops: 8 * n * n * (n / 2),
    tolerance: precision === 'bf16' ? 5e-2 : 1e-3,
  });
  const lora = (precision) => ({
    name: 'loraLinear with gradients',
    precision,
    shapes: [
      [n, n / 2],
      [n, n / 2],
      [16, n / 2],
      [n, 16],
    ],
    run: ({ N, tf }, [x, w, a, b]) => {
      const run = (...[x, a, b]) => N.loraLinear(x, w, null, a, b, 0.5);
      return [run(x, a, b), ...tf.grads((...v) => tf.sum(tf.square(run(...v))))([x, a, b])];
    },
    flops: 8 * n * n * (n / 2),
    tolerance: precision === 'bf16' ? 5e-2 : 1e-3,
  });
  const columns = {
    name: 'scaleColumns with gradients',
    precision: 'float32',
    shapes: [[n, n], [n]],
    run: ({ N, tf }, [x, factor]) => {
      const run = (...v) => N.scaleColumns(...v, null);
      return [run(x, factor), ...tf.grads((...v) => tf.sum(tf.square(run(...v))))([x, factor])];
    },
    bytes: 4 * n * n * 8,
    tolerance: 1e-3,
  };
  return [
    columns,
    ...[false, true].flatMap((a) => [false, true].map((b) => product(a, b, 'float32'))),
    ...[false, true].map((b) => product(false, b, 'bf16')),
    ...['float32', 'bf16'].flatMap((precision) => [linear(precision), lora(precision)]),
  ];
}

function images(scale) {
  const edge = size(Math.sqrt(scale), 128, 8);
  const image = [1, edge, edge, 64];
  const pixels = edge * edge;
  const grad = (tf, run) => (x, w) => tf.grads((...v) => tf.sum(tf.square(run(...v))))([x, w]);
  const conv = (precision) => ({
    name: `conv2d ${edge}²×64→64 3×3 with gradients`,
    precision,
    shapes: [image, [3, 3, 64, 64]],
    run: ({ tf }, [x, w]) => {
      const run = (x, w) => tf.conv2d(x, w, 1, 'same');
      return [run(x, w), ...grad(tf, run)(x, w)];
    },
    flops: 8 * pixels * 64 * 64 * 9,
    tolerance: precision === 'bf16' ? 5e-2 : 1e-3,
  });
  const bytes = 8 * pixels * 64;
  return [
    conv('float32'),
    conv('bf16'),
    {
      name: 'depthwiseConv2d with gradients',
      shapes: [image, [3, 3, 64, 1]],
      run: ({ tf }, [x, w]) => {
        const run = (x, w) => tf.depthwiseConv2d(x, w, 1, 'same');
        return [run(x, w), ...grad(tf, run)(x, w)];
      },
      bytes: 4 * bytes,
      tolerance: 1e-3,
    },
    {
      name: 'pooling with gradients',
      shapes: [image],
      run: ({ tf }, [x]) => [
        tf.maxPool(x, 2, 2, 'same'),
        tf.avgPool(x, 3, 2, 'same'),
        tf.grad((v) => tf.sum(tf.square(tf.maxPool(v, 2, 2, 'same'))))(x),
        tf.grad((v) => tf.sum(tf.square(tf.avgPool(v, 3, 2, 'same'))))(x),
      ],
      bytes: 4 * bytes,
    },
    {
      name: 'resize with gradients',
      shapes: [image],
      run: ({ tf }, [x]) =>
        ['resizeBilinear', 'resizeNearestNeighbor'].flatMap((name) => {
          const run = (v) => tf.image[name](v, [2 * edge, edge - 3]);
          return [run(x), tf.grad((v) => tf.sum(tf.square(run(v))))(x)];
        }),
      bytes: 6 * bytes,
    },
    {
      name: 'groupNorm + silu with gradients',
      shapes: [image, [64], [64]],
      run: ({ N, tf }, [x, w, b]) => {
        const run = (...v) => N.groupNorm(...v, 32, 1e-6, 'silu');
        return [run(x, w, b), ...tf.grads((...v) => tf.sum(tf.square(run(...v))))([x, w, b])];
      },
      bytes: 5 * (bytes / 2),
      tolerance: 1e-3,
    },
    {
      name: 'batchNorm',
      shapes: [image],
      run: ({ tf }, [x]) =>
        tf.batchNorm(x, tf.fill([64], 0.1), tf.fill([64], 0.7), tf.fill([64], 0.2), tf.fill([64], 1.5)),
      bytes,
    },
  ];
}

export function standardCases(scale) {
  return [
    ...elementwise(scale),
    ...gradients(scale),
    ...movement(scale),
    ...products(scale),
    ...images(scale),
  ];
}
