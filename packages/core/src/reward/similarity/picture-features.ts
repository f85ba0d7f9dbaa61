import { tf } from '@unicharacter/native';
import { type RgbImage, resizeBicubic } from '../../image/index.js';
import { inBatches } from '../in-batches.js';
import { takeRows } from '../tensor-rows.js';
import type { ClipModel } from '../towers/clip/clip-model.js';
import type { DinoModel } from '../towers/dino/dino-model.js';
import { unitRows } from '../towers/unit-rows.js';

/** Turns pictures into unit vectors whose cosine says how alike they look. */
export interface PictureFeatures {
  /** What produced them: tower, content hash of its weights, options. JSON values only. */
  readonly provenance: Readonly<Record<string, unknown>>;
  /** One unit vector per picture. */
  embed(images: readonly RgbImage[]): readonly Float32Array[];
  dispose(): void;
}

/** Pictures per pass of a vision tower. */
const BATCH = 16;

/** Features of DINOv2. Takes over the model and disposes it. */
export function dinoFeatures(dino: DinoModel): PictureFeatures {
  return {
    provenance: { tower: 'DINOv2', weights: dino.sha256, positions: dino.positionResize },
    embed: (images) =>
      inBatches(images, BATCH, (batch) =>
        takeRows(tf.tidy(() => dino.features(dino.processor.pixels(batch)))),
      ),
    dispose: () => dino.dispose(),
  };
}

/** Projected picture features of CLIP on the 8-bit path. Takes over the model and disposes it. */
export function clipFeatures(clip: ClipModel): PictureFeatures {
  return {
    provenance: { tower: 'CLIP', weights: clip.sha256 },
    embed: (images) =>
      inBatches(images, BATCH, (batch) =>
        takeRows(tf.tidy(() => unitRows(clip.imageFeatures(clip.processor.pixels(batch))))),
      ),
    dispose: () => clip.dispose(),
  };
}

/**
 * Features without a tower: the colours of a thumbnail of `side` × `side` pixels as one unit vector, each channel
 * without its mean. They see layout and colours and no meaning; enough to notice copies and collapse of small models.
 */
export function thumbnailFeatures(side = 8): PictureFeatures {
  return {
    provenance: { tower: 'none', features: 'thumbnail', side },
    embed: (images) => images.map((image) => thumbnail(image, side)),
    dispose: () => {},
  };
}

function thumbnail(image: RgbImage, side: number): Float32Array {
  const { data } = resizeBicubic(image, side, side);
  const means = [0, 1, 2].map((c) => {
    let sum = 0;
    for (let i = c; i < data.length; i += 3) sum += data[i]!;
    return sum / (data.length / 3);
  });
  // The last value keeps pictures of one colour from having no direction, and tells dark ones from bright ones.
  const overall = means.reduce((sum, mean) => sum + mean, 0) / 3;
  const values = Float32Array.from([...data].map((v, i) => v - means[i % 3]!).concat(overall + 1));
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}
