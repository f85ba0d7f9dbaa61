import { AdamW, emaUpdate, tf } from '@unicharacter/native';
import { type CaseRunner, type Outputs, take } from '../case.js';

const STEPS = 3;
const PARAMETERS = 3;

/** AdamW with global clipping, and moving averages of the weights (spec 6.1, 7.2). */
export const optimizerCase: CaseRunner = (golden, entry) => {
  const { inputs } = entry;
  const parameters = Array.from({ length: PARAMETERS }, (_, i) =>
    variable(golden.tensor(entry, `p${i}_init`)),
  );
  const average = parameters.map((p) => variable(p.clone()));
  const fastAverage = parameters.map((p) => variable(p.clone()));
  const optimizer = new AdamW({
    betas: inputs.betas as [number, number],
    eps: inputs.eps as number,
    weightDecay: inputs.weight_decay as number,
  });
  const clipNorm = inputs.max_grad_norm as number | null;
  const outputs: Record<string, ArrayLike<number>> = {};
  const record = (name: string, values: () => ArrayLike<number>) => {
    if (name in entry.tensors) outputs[name] = values();
  };
  for (let step = 0; step < STEPS; step++) {
    const grads = parameters.map((_, i) => golden.tensor(entry, `grad${i}_step${step}`));
    const norm = optimizer.step(parameters, grads, {
      lr: inputs.lr as number,
      ...(clipNorm === null ? {} : { clipNorm }),
    });
    emaUpdate(average, parameters, inputs.ema_decay as number);
    emaUpdate(fastAverage, parameters, inputs.ema_fast_decay as number);
    record(`grad_norm_step${step}`, () => norm.dataSync());
    parameters.forEach((p, i) => {
      record(`p${i}_step${step}`, () => p.dataSync());
      record(`ema${i}_step${step}`, () => (average[i] as tf.Variable).dataSync());
      record(`ema_fast${i}_step${step}`, () => (fastAverage[i] as tf.Variable).dataSync());
    });
    tf.dispose([norm, ...grads]);
  }
  Object.assign(outputs, moments(optimizer, parameters));
  optimizer.dispose();
  tf.dispose([...parameters, ...average, ...fastAverage]);
  return { outputs };
};

function variable(initial: tf.Tensor): tf.Variable {
  const made = tf.variable(initial);
  initial.dispose();
  return made;
}

function moments(optimizer: AdamW, parameters: readonly tf.Variable[]): Outputs {
  const { tensors } = optimizer.state();
  return Object.fromEntries(
    parameters.flatMap(({ name }, i) =>
      ['exp_avg', 'exp_avg_sq'].map((kind) => [
        `${kind}${i}`,
        take((tensors.get(`${name}.${kind}`) as tf.Tensor).clone()),
      ]),
    ),
  );
}
