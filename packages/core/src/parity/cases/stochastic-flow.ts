import { flowSdeCoefficients, flowSdeStep, tf } from '@unicharacter/native';
import { disposeContexts, disposeRollOut, readRequest, rollOut, timeGrid } from '../../generate/index.js';
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
export const rolloutCase: CaseRunner = async (golden, entry) => {
  const { model, vae, tokenizer } = golden.models;
  const { inputs } = entry;
  const prompt = { kind: 'text', text: inputs.prompt as string } as const;
  const contexts = readRequest(golden.models, [prompt], { purpose: 'draw' });
  const grid = timeGrid(inputs.num_timesteps as number, inputs.timestep_shift as number);
  const window = {
    first: inputs.sde_window_start as number,
    size: inputs.sde_window_size as number,
    noiseLevel: inputs.noise_level as number,
  };
  const { latent } = golden.config;
  const [height, width] = inputs.output_shape_hw as [number, number];
  const rows = height / latent.pixels;
  const columns = width / latent.pixels;
  const field = new VelocityField(model, tokenizer.special, rows, columns);
  const noise = golden.tensor<tf.Tensor2D>(entry, 'initial_noise');
  const windowNoise = golden.tensor<tf.Tensor3D>(entry, 'window_eps');
  const velocities: ArrayLike<number>[] = [];
  const result = await rollOut(
    field,
    contexts,
    noise,
    grid,
    guidanceOf(inputs),
    window,
    (index) => tf.gather(windowNoise, index - window.first) as tf.Tensor as tf.Tensor2D,
    { onStep: ({ guided }) => velocities.push(Float32Array.from(guided.dataSync())) },
  );
  const states = [result.steps[0]?.x, ...result.steps.map(({ next }) => next)] as tf.Tensor2D[];
  const outputs = tf.tidy(() => {
    const decoded = vae.decode(tokensToLatents(result.latents, rows, columns, latent.patch));
    return {
      velocities: concatenated(velocities),
      window_latents: concatenated(states.map((state) => state.dataSync())),
      window_logp: result.steps.map(({ logProb }) => logProb),
      window_t: result.steps.map(({ times }) => times.t),
      final_latent: Float32Array.from(result.latents.dataSync()),
      image_f32: takeChannelsFirst(tf.clipByValue(tf.add(tf.mul(decoded, 0.5), 0.5), 0, 1) as tf.Tensor4D),
    };
  });
  disposeRollOut(result);
  field.dispose();
  disposeContexts(contexts);
  tf.dispose([noise, windowNoise]);
  return { outputs };
};
