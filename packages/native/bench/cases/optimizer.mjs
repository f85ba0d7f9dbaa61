const COUNT = 16;
const SHAPE = [1024, 1024];
const ELEMENTS = COUNT * SHAPE[0] * SHAPE[1];
const tensors = (count) => Array.from({ length: count }, () => ({ shape: SHAPE, dtype: 'float32' }));
const SETTINGS = { lr: 1e-3, betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 };

/** One AdamW step over 16 variables. `stateBytes`: of one moment of one weight. */
const adamW = (state, stateBytes, bars) => ({
  name: `AdamW 16×[1024,1024], ${state === 'float32' ? 'f32' : state} state`,
  op: 'adamW',
  args: SETTINGS,
  dtype: 'float32',
  inputs: tensors(2 * COUNT),
  start: ({ tf, N }, inputs) => {
    const optimizer = new N.AdamW({ ...SETTINGS, state });
    const variables = inputs.slice(0, COUNT).map((x) => tf.variable(x));
    const gradients = inputs.slice(COUNT);
    return {
      once: () => optimizer.step(variables, gradients),
      look: () => variables.slice(0, 2),
      stop: () => tf.dispose([variables, [...optimizer.state().tensors.values()]]),
    };
  },
  // Weight and moments are read and written, the gradient is read.
  bytes: ELEMENTS * (2 * 4 + 4 + 4 * stateBytes),
  peers: state === 'float32' ? ['pytorch'] : [],
  bars,
});

const ema = {
  name: 'EMA 16×[1024,1024]',
  op: 'ema',
  args: { decay: 0.999 },
  dtype: 'float32',
  inputs: tensors(2 * COUNT),
  start: ({ tf, N }, inputs) => {
    const variables = inputs.map((x) => tf.variable(x));
    const [averages, weights] = [variables.slice(0, COUNT), variables.slice(COUNT)];
    return {
      once: () => N.emaUpdate(averages, weights, 0.999),
      look: () => averages.slice(0, 2),
      stop: () => tf.dispose(variables),
    };
  },
  bytes: ELEMENTS * 3 * 4,
  peers: ['pytorch'],
};

const globalNorm = {
  name: 'globalNorm 16×[1024,1024]',
  op: 'globalNorm',
  args: {},
  dtype: 'float32',
  inputs: tensors(COUNT),
  start: ({ N }, inputs) => ({ once: () => N.globalNorm(inputs) }),
  bytes: ELEMENTS * 4,
  peers: ['pytorch'],
};

/** What a training step does to the weights, in place. */
export const optimizers = [
  adamW('float32', 4, { limit: 0.8 }),
  adamW('bf16', 2, {}),
  adamW('int8', 1, {}),
  ema,
  globalNorm,
];
