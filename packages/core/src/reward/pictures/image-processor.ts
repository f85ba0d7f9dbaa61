import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import Type, { type Static } from 'typebox';
import { checked, readJson } from '../../data/source.js';
import { type RgbImage, resizeBicubic } from '../../image/index.js';
import { type FloatImage, RewardError } from '../reward-model.js';
import { type CropGeometry, copyWindow, shorterEdgeGeometry } from './crop.js';
import { checkFloatImage } from './float-image.js';
import { resizeBilinear } from './resize-bilinear.js';

const Channels = Type.Tuple([Type.Number(), Type.Number(), Type.Number()]);
const Sides = Type.Object({ height: Type.Integer({ minimum: 1 }), width: Type.Integer({ minimum: 1 }) });
const Edge = Type.Integer({ minimum: 1 });

/** What is read of a `preprocessor_config.json`; both published forms of the sizes (rewards specification §2.4). */
const ProcessorFile = Type.Object({
  do_resize: Type.Optional(Type.Literal(true)),
  size: Type.Union([Edge, Type.Object({ shortest_edge: Edge }), Sides]),
  resample: Type.Optional(Type.Literal(3)),
  do_center_crop: Type.Optional(Type.Boolean()),
  crop_size: Type.Optional(Type.Union([Edge, Sides])),
  do_rescale: Type.Optional(Type.Literal(true)),
  rescale_factor: Type.Optional(Type.Number()),
  do_normalize: Type.Optional(Type.Literal(true)),
  image_mean: Channels,
  image_std: Channels,
});

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Makes the pixel values of a tower from pictures, as its `preprocessor_config.json` says. */
export class ImageProcessor {
  /** Size of the pictures that the tower sees. */
  readonly target: Size;
  /** Edge to which the shorter side is resized before the crop; `null` when pictures are stretched to `target`. */
  readonly shortestEdge: number | null;
  readonly #file: Static<typeof ProcessorFile>;

  private constructor(path: string, file: Static<typeof ProcessorFile>) {
    this.#file = file;
    const { size } = file;
    if (typeof size === 'object' && 'height' in size) {
      this.shortestEdge = null;
      this.target = size;
      return;
    }
    this.shortestEdge = typeof size === 'number' ? size : size.shortest_edge;
    const crop = file.crop_size;
    if (crop === undefined || file.do_center_crop === false) {
      throw new RewardError(`${path}: expected "crop_size" beside a size of the shorter edge, found none`);
    }
    this.target = typeof crop === 'number' ? { width: crop, height: crop } : crop;
    if (Math.max(this.target.width, this.target.height) > this.shortestEdge) {
      throw new RewardError(
        `${path}: expected a crop of at most the shorter edge ${this.shortestEdge}, ` +
          `found ${this.target.width}x${this.target.height}`,
      );
    }
  }

  /** @throws DataError naming file and field, or RewardError for a combination that no tower uses */
  static async load(folder: string): Promise<ImageProcessor> {
    const path = join(folder, 'preprocessor_config.json');
    return new ImageProcessor(path, checked(ProcessorFile, await readJson(path)));
  }

  /** Size and crop of a picture on the 8-bit path. */
  geometry(picture: Size): CropGeometry {
    if (this.shortestEdge === null) return { ...this.target, left: 0, top: 0 };
    return shorterEdgeGeometry(picture, this.shortestEdge, this.target, 'down');
  }

  /** Size and crop of a picture on the float path of the CLIP reward. */
  floatGeometry(picture: Size): CropGeometry {
    if (this.shortestEdge === null) return { ...this.target, left: 0, top: 0 };
    return shorterEdgeGeometry(picture, this.shortestEdge, this.target, 'half to even');
  }

  /** The picture as the tower sees it, still 8-bit: Pillow's bicubic resize, then the crop (§2.3). */
  crop(image: RgbImage): RgbImage {
    const geometry = this.geometry(image);
    const { data } = resizeBicubic(image, geometry.width, geometry.height);
    const window = { ...geometry, ...this.target };
    const out = new Uint8Array(this.target.width * this.target.height * 3);
    return { ...this.target, data: copyWindow(data, geometry.width, window, out) };
  }

  /** Pixel values [n, height, width, 3] of 8-bit pictures: {@link crop}, rescaled, normalised. */
  pixels(images: readonly RgbImage[]): tf.Tensor4D {
    const factor = this.#file.rescale_factor ?? 1 / 255;
    return this.#batch(images.map((image) => Float32Array.from(this.crop(image).data, (v) => v * factor)));
  }

  /**
   * Pixel values [n, height, width, 3] of float pictures without an 8-bit step: bilinear resize with antialiasing,
   * crop, normalisation. The `resample` field of the file does not count here (§2.2).
   */
  floatPixels(images: readonly FloatImage[]): tf.Tensor4D {
    return this.#batch(
      images.map((image) => {
        checkFloatImage(image);
        const geometry = this.floatGeometry(image);
        const { data } = resizeBilinear(image, geometry.width, geometry.height);
        const window = { ...geometry, ...this.target };
        return copyWindow(
          data,
          geometry.width,
          window,
          new Float32Array(this.target.width * this.target.height * 3),
        );
      }),
    );
  }

  /** Normalises values in [0, 1] in place, `(x − mean) / std` in float32, and stacks them. */
  #batch(pictures: readonly Float32Array[]): tf.Tensor4D {
    const { width, height } = this.target;
    const [mean, std] = [this.#file.image_mean.map(Math.fround), this.#file.image_std.map(Math.fround)];
    const values = new Float32Array(pictures.length * width * height * 3);
    pictures.forEach((picture, p) => {
      const base = p * picture.length;
      for (let i = 0; i < picture.length; i++) {
        values[base + i] = Math.fround(picture[i]! - mean[i % 3]!) / std[i % 3]!;
      }
    });
    return tf.tensor4d(values, [pictures.length, height, width, 3]);
  }
}
