import type { TaskSample } from '../data/index.js';
import type { RgbImage } from '../image/index.js';
import { type FlowVae, imagePatches, type ModelConfig, resizeTo } from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import type { EncodingCache } from './encoding-cache.js';
import { encodeLatents, type PictureCache, type StoredLatents } from './picture-encoder.js';
import { type EncodedTask, encodeTasks, textsOf } from './task-encoder.js';

/** What turns samples into the model's units, and what identifies it. */
export interface Encoders {
  readonly vae: FlowVae;
  /** SHA-256 of the autoencoder's weights. */
  readonly vaeWeights: string;
  readonly tokenizer: Tokenizer;
  readonly config: ModelConfig;
}

/** Samples in the model's units; latents and token ids that are in the cache are not computed again. */
export async function encodeOnce(
  { samples, pictures }: { samples: readonly TaskSample[]; pictures: ReadonlyMap<string, RgbImage> },
  encoders: Encoders,
  cache: EncodingCache,
): Promise<EncodedTask[]> {
  const encoded = await picturesOnce(pictures, encoders, cache);
  const texts = await textsOnce(textsOf(samples), encoders.tokenizer, cache);
  return encodeTasks(samples, encoders.tokenizer, encoded, texts);
}

/** Latents come from the cache; patches are cut anew, which costs less than reading them. */
async function picturesOnce(
  pictures: ReadonlyMap<string, RgbImage>,
  { vae, vaeWeights, config }: Encoders,
  cache: EncodingCache,
): Promise<PictureCache> {
  const { images, latent } = config;
  const made = JSON.stringify({ vaeWeights, vae: config.vae, rule: images.vae, latent });
  const patches: Map<string, ReturnType<typeof imagePatches>> = new Map();
  const latents = new Map<string, StoredLatents>();
  for (const [id, picture] of pictures) {
    patches.set(id, imagePatches(resizeTo(picture, images.vitTraining), config));
    const { width, height, data } = picture;
    const { arrays, numbers } = await cache.take([made, `${width} ${height}`, data], async () => {
      const { rows, columns, ...stored } = await encodeLatents(picture, vae, config);
      return { arrays: { ...stored }, numbers: { rows, columns } };
    });
    latents.set(id, { ...arrays, ...numbers } as unknown as StoredLatents);
  }
  return { patches, latents };
}

/** Ids of all texts, in one entry: there are thousands of short ones. */
async function textsOnce(
  texts: readonly string[],
  tokenizer: Tokenizer,
  cache: EncodingCache,
): Promise<Map<string, Int32Array>> {
  const { arrays } = await cache.take(['texts', tokenizer.fingerprint, ...texts], () => {
    const ids = texts.map((text) => tokenizer.encode(text));
    return {
      arrays: {
        ids: Int32Array.from(ids.flat()),
        lengths: Int32Array.from(ids, ({ length }) => length),
      },
      numbers: {},
    };
  });
  const { ids, lengths } = arrays as { ids: Int32Array; lengths: Int32Array };
  let at = 0;
  return new Map(
    texts.map((text, index) => {
      const from = at;
      at += lengths[index]!;
      return [text, ids.slice(from, at)];
    }),
  );
}
