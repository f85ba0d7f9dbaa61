import { tf } from '@unicharacter/native';
import {
  disposeContexts,
  type Guidance,
  guidanceActive,
  type ReadOptions,
  readRequest,
  readText,
  sampleFlow,
  textItemIds,
  timeGrid,
} from '../../generate/index.js';
import { toPixels } from '../../image/index.js';
import { resizeTo, tokensToLatents, VelocityField } from '../../model/index.js';
import {
  type CaseRunner,
  concatenated,
  inputsOf,
  itemIds,
  type Outputs,
  requestItems,
  takeChannelsFirst,
} from '../case.js';
import type { CaseEntry, Golden } from '../golden.js';
import { picture } from './vae.js';

/** Guided flow sampling from stored noise, and the decoded picture (spec 5.2 to 5.4). */
export const drawingCase: CaseRunner = async (golden, entry) => {
  const source = inputsOf(golden, entry);
  const models = golden.models;
  const { model, vae, tokenizer } = models;
  const { inputs } = source;
  const encode = (text: string) => textItemIds(tokenizer, text);
  const items = await requestItems(golden, inputs.items as string[]);
  const system = inputs.system_prompt as string | undefined;
  const eps = 'condition_eps' in source.tensors ? golden.channelsLast(source, 'condition_eps') : null;
  const options: ReadOptions = {
    purpose: 'draw',
    compat: 'reference',
    ...(system === undefined ? {} : { system }),
    ...(eps ? { posteriorNoise: [eps] } : {}),
  };
  const contexts = readRequest(models, items, options);
  const thought = inputs.thought as string | undefined;
  if (thought !== undefined) readText(models, contexts.main, thought);

  const guidance = guidanceOf(inputs);
  const [height, width] = source.output_shape_hw as readonly [number, number];
  const { latent } = golden.config;
  const rows = height / latent.pixels;
  const columns = width / latent.pixels;
  const field = new VelocityField(model, tokenizer.special, rows, columns);
  const noise = golden.tensor<tf.Tensor2D>(source, 'initial_noise');
  const grid = timeGrid(inputs.num_timesteps as number, inputs.timestep_shift as number);
  const steps = {
    t: [],
    dt: [],
    cfg_active: [],
    v: [],
    v_text_cfg: [],
    v_img_cfg: [],
    v_combined: [],
    x: [],
  } as {
    [name: string]: ArrayLike<number>[];
  };
  const tokens = await sampleFlow(field, contexts, noise, grid, guidance, {
    onStep: (step) => {
      const values = (tensor: tf.Tensor | null) =>
        tensor ? Float32Array.from(tensor.dataSync()) : new Float32Array(noise.size);
      const found = {
        t: [step.t],
        dt: [step.dt],
        cfg_active: [guidanceActive(guidance, step.t) ? 1 : 0],
        v: values(step.velocity),
        v_text_cfg: values(step.withoutText),
        v_img_cfg: values(step.withoutImages),
        v_combined: values(step.guided),
        x: values(step.x),
      };
      for (const [name, part] of Object.entries(found)) steps[name]?.push(part);
    },
  });
  const outputs: Outputs = {
    ...itemIds(items, encode),
    ...Object.fromEntries(Object.entries(steps).map(([name, parts]) => [name, concatenated(parts)])),
    ...picture(tf.tidy(() => vae.decode(tokensToLatents(tokens, rows, columns, latent.patch)))),
    ...(eps ? conditionLatents(golden, source, items, eps) : {}),
  };
  disposeContexts(contexts);
  field.dispose();
  tf.dispose([noise, tokens]);
  eps?.dispose();
  return { outputs };
};

/** The guidance that the inputs of a case describe. */
export function guidanceOf(inputs: CaseEntry['inputs']): Guidance {
  return {
    text: inputs.cfg_text_scale as number,
    image: inputs.cfg_img_scale as number,
    interval: inputs.cfg_interval as [number, number],
    renorm: inputs.cfg_renorm_type as Guidance['renorm'],
    renormMin: inputs.cfg_renorm_min as number,
  };
}

/** The posterior draw of the condition image that the request reads. */
function conditionLatents(
  golden: Golden,
  entry: CaseEntry,
  items: Awaited<ReturnType<typeof requestItems>>,
  eps: tf.Tensor4D,
): Outputs {
  if (!('condition_scaled_sample' in entry.tensors)) return {};
  const first = items.find((item) => item.kind === 'image');
  if (!first) throw new Error(`${entry.id}: stores condition latents but has no image`);
  const { vae } = golden.models;
  const image = resizeTo(first.image, golden.config.images.vae, 1, 'reference');
  return tf.tidy(() => {
    const pixels = tf.tensor4d(toPixels(image), [1, image.height, image.width, 3]);
    return { condition_scaled_sample: takeChannelsFirst(vae.scaled(vae.sample(vae.encode(pixels), eps))) };
  });
}
