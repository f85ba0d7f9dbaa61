import type { ImageRef, Item, TaskSample } from '../data/index.js';
import type { RgbImage } from '../image/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import type { ModelConfig } from './config.js';
import { imageLatents, imagePatches, resizeTo } from './encode-image.js';
import type { EncodedItem, EncodedSample } from './encoded-sample.js';
import type { FlowVae } from './flow-vae.js';

/** What it takes to bring samples into the model's units. */
export interface SampleEncoders {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly vae: FlowVae;
  readonly loadImage: (image: ImageRef) => Promise<RgbImage>;
}

/**
 * A training sample in the model's units: ids, ViT patches by the training rule, latents with their posterior's deviations
 * by the VAE rule. Pictures of one sample share the ViT rule's pixel budget (spec 3.2, 6.4).
 */
export async function encodeSample(sample: TaskSample, encoders: SampleEncoders): Promise<EncodedSample> {
  const patched = sample.items.filter((item) => item.kind === 'vit').length;
  const items: EncodedItem[] = [];
  for (const item of sample.items) items.push(await encodeItem(item, patched, encoders));
  return { id: sample.id, items };
}

async function encodeItem(item: Item, patched: number, encoders: SampleEncoders): Promise<EncodedItem> {
  const { config, tokenizer, vae, loadImage } = encoders;
  const droppable = item.droppable ?? false;
  if (item.kind === 'text')
    return { kind: 'text', ids: tokenizer.encode(item.text), loss: item.loss, droppable };
  const image = await loadImage(item.image);
  if (item.kind === 'vit') {
    return {
      kind: 'vit',
      ...imagePatches(resizeTo(image, config.images.vitTraining, patched), config),
      droppable,
    };
  }
  const { rows, columns, means, deviations } = imageLatents(resizeTo(image, config.images.vae), vae, config);
  const latents = (await means.data()) as Float32Array;
  const spread = (await deviations.data()) as Float32Array;
  means.dispose();
  deviations.dispose();
  return { kind: 'vae', latents, deviations: spread, rows, columns, loss: item.loss, droppable };
}
