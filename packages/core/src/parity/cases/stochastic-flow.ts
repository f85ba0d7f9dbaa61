import { flowSdeCoefficients, flowSdeStep, tf } from '@unicharacter/native';
import { timeGrid } from '../../generate/index.js';
import { tokensToLatents, type UnifiedModel } from '../../model/index.js';
import { disposeRollOut, GroupField, rollOut } from '../../train/grpo/index.js';
import { type CaseRunner, concatenated, take, takeChannelsFirst } from '../case.js';
import type { CaseEntry, Golden } from '../golden.js';
import { guidanceOf } from './drawing.js';

/** One stochastic step for several times and noise levels (spec 7.5). */
export const stochasticStepCase: CaseRunner = (golden, entry) => {
  const [t, tNext, noiseLevel] = ['t', 't_next', 'eta'].map((name) =>
    Array.from(golden.read(entry, name)),
  ) as [number[], number[], number[]];
  const times = { t, tNext, noiseLevel, tBarFallback: golden.read(entry, 'grid_1')[0] as number };
  return tf.tidy(() => {
    const [x, v, eps] = ['x', 'v', 'eps'].map((name) => golden.tensor<tf.Tensor3D>(entry, name)) as [
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    const { next, mean, logProb } = flowSdeStep(x, v, eps, times);
    const { sigma } = flowSdeCoefficients(times, t.length);
    return { outputs: { sigma, mu: take(mean), x_next: take(next), logp: take(logProb) } };
  });
};

/** The field that draws one picture for the prompt of a stored roll-out. */
export function promptField(golden: Golden, { inputs }: CaseEntry, model: UnifiedModel): GroupField {
  const { tokenizer } = golden.models;
  const { pixels } = golden.config.latent;
  const [height, width] = inputs.output_shape_hw as [number, number];
  const shape = { count: 1, rows: height / pixels, columns: width / pixels };
  const prompt = tokenizer.encode(inputs.prompt as string);
  return new GroupField(model, tokenizer.special, prompt, shape, guidanceOf(inputs));
}

/** A roll-out with a window of stochastic steps among deterministic ones (spec 7.4). */
export const rolloutCase: CaseRunner = async (golden, entry) => {
  const { model, vae } = golden.models;
  const { inputs } = entry;
  const grid = timeGrid(inputs.num_timesteps as number, inputs.timestep_shift as number);
  const start = inputs.sde_window_start as number;
  const size = inputs.sde_window_size as number;
  const field = promptField(golden, entry, model);
  const noise = golden.tensor<tf.Tensor2D>(entry, 'initial_noise');
  const windowNoise = golden.tensor<tf.Tensor3D>(entry, 'window_eps');
  const velocities: ArrayLike<number>[] = [];
  const result = await rollOut(field, {
    grid,
    start,
    size,
    noiseLevel: inputs.noise_level as number,
    precision: model.inferencePrecision,
    noise: {
      initial: () => tf.expandDims(noise, 0) as tf.Tensor3D,
      step: (index) => tf.slice(windowNoise, index - start, 1),
    },
    onVelocity: (velocity) => velocities.push(Float32Array.from(velocity.dataSync())),
  });
  const { rows, columns } = field.shape;
  const outputs = tf.tidy(() => {
    const latents = tf.squeeze(result.latents, [0]) as tf.Tensor2D;
    const decoded = vae.decode(tokensToLatents(latents, rows, columns, golden.config.latent.patch));
    return {
      velocities: concatenated(velocities),
      window_latents: concatenated(result.states.map((state) => state.dataSync())),
      window_logp: concatenated(result.logProbs),
      window_t: grid.slice(start, start + size),
      final_latent: Float32Array.from(result.latents.dataSync()),
      image_f32: takeChannelsFirst(tf.clipByValue(tf.add(tf.mul(decoded, 0.5), 0.5), 0, 1) as tf.Tensor4D),
    };
  });
  disposeRollOut(result);
  field.dispose();
  tf.dispose([noise, windowNoise]);
  return { outputs };
};
