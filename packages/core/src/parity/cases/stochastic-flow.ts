import { flowSdeCoefficients, flowSdeStep, tf } from '@unicharacter/native';
import { disposeContexts, guidedVelocity, readRequest, timeGrid } from '../../generate/index.js';
import { tokensToLatents, VelocityField } from '../../model/index.js';
import { type CaseRunner, concatenated, take, takeChannelsFirst } from '../case.js';
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

/** A roll-out with a window of stochastic steps among deterministic ones (spec 7.4). */
export const rolloutCase: CaseRunner = (golden, entry) => {
  const { model, vae, tokenizer } = golden.models;
  const { inputs } = entry;
  const contexts = readRequest(golden.models, [{ kind: 'text', text: inputs.prompt as string }], {
    purpose: 'draw',
  });
  const grid = timeGrid(inputs.num_timesteps as number, inputs.timestep_shift as number);
  const first = inputs.sde_window_start as number;
  const size = inputs.sde_window_size as number;
  const { latent } = golden.config;
  const [height, width] = inputs.output_shape_hw as [number, number];
  const rows = height / latent.pixels;
  const columns = width / latent.pixels;
  const field = new VelocityField(model, tokenizer.special, rows, columns);
  const outputs = tf.tidy(() => {
    const windowNoise = golden.tensor<tf.Tensor3D>(entry, 'window_eps');
    let x = golden.tensor<tf.Tensor2D>(entry, 'initial_noise');
    const velocities: ArrayLike<number>[] = [];
    const states: ArrayLike<number>[] = [];
    const logProbs: number[] = [];
    for (let step = 0; step < grid.length - 1; step++) {
      const t = grid[step] as number;
      const { guided } = guidedVelocity(field, contexts, x, t, guidanceOf(inputs));
      const inWindow = step >= first && step < first + size;
      const noise = inWindow
        ? (windowNoise.gather(step - first) as tf.Tensor as tf.Tensor2D)
        : tf.zerosLike(x);
      const noiseLevel = inWindow ? (inputs.noise_level as number) : 0;
      const times = { t, tNext: grid[step + 1] as number, noiseLevel, tBarFallback: grid[1] as number };
      const taken = flowSdeStep(x, guided, noise, times);
      velocities.push(guided.dataSync());
      if (step === first) states.push(x.dataSync());
      if (inWindow) {
        states.push(taken.next.dataSync());
        logProbs.push(taken.logProb.dataSync()[0] as number);
      }
      x = taken.next as tf.Tensor2D;
    }
    const decoded = vae.decode(tokensToLatents(x, rows, columns, latent.patch));
    return {
      velocities: concatenated(velocities),
      window_latents: concatenated(states),
      window_logp: logProbs,
      window_t: grid.slice(first, first + size),
      final_latent: x.dataSync(),
      image_f32: takeChannelsFirst(tf.clipByValue(tf.add(tf.mul(decoded, 0.5), 0.5), 0, 1) as tf.Tensor4D),
    };
  });
  field.dispose();
  disposeContexts(contexts);
  return { outputs };
};
