import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tf } from '@unicharacter/native';
import type { RgbImage } from '../../../image/index.js';
import { RewardError } from '../../reward-model.js';
import { type FrozenSpec, FrozenWeights, type StoredShapes } from '../frozen-weights.js';

/** One convolution of torchvision's `alexnet.features`; every one is followed by a relu, whose output is tapped. */
interface TapLayer {
  /** Its number in `features`. */
  readonly index: number;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  /** Max pooling 3 × 3 with stride 2 before it. */
  readonly pooled: boolean;
}

const LAYERS: readonly TapLayer[] = [
  { index: 0, kernel: 11, stride: 4, pad: 2, pooled: false },
  { index: 3, kernel: 5, stride: 1, pad: 2, pooled: true },
  { index: 6, kernel: 3, stride: 1, pad: 1, pooled: true },
  { index: 8, kernel: 3, stride: 1, pad: 1, pooled: false },
  { index: 10, kernel: 3, stride: 1, pad: 1, pooled: false },
];

const SHIFT = [-0.03, -0.088, -0.188];
const SCALE = [0.458, 0.448, 0.45];

/** Keeps the norm of a zero feature vector from dividing by zero. */
const NORM_EPSILON = 1e-10;

/** In published files besides what is read: the classifier, and constants and duplicates of the `lpips` package. */
const IGNORED = /^(classifier|scaling_layer|lins)\./;

const convolution = (index: number) => `features.${index}`;
const linear = (tap: number) => `lin${tap}.model.1.weight`;

/** Tensors of the trunk and of the linear layers; channel counts are those of the stored kernels. */
function lpipsSpecs(shapeOf: StoredShapes): FrozenSpec[] {
  let inputs = 3;
  return LAYERS.flatMap(({ index, kernel }, tap) => {
    const alias = `net.slice${tap + 1}.${index}`;
    const weight = `${convolution(index)}.weight`;
    const channels = (shapeOf(weight) ?? shapeOf(`${alias}.weight`))?.[0] ?? 0;
    const specs: FrozenSpec[] = [
      { name: weight, aliases: [`${alias}.weight`], shape: [channels, inputs, kernel, kernel] },
      { name: `${convolution(index)}.bias`, aliases: [`${alias}.bias`], shape: [channels] },
      { name: linear(tap), shape: [1, channels, 1, 1] },
    ];
    inputs = channels;
    return specs;
  });
}

/**
 * Learned perceptual distance of pictures, LPIPS v0.1 on AlexNet (Zhang et al. 2018; rewards specification §6).
 */
export class LpipsModel {
  private constructor(private readonly weights: FrozenWeights) {}

  /**
   * @param source a folder whose safetensors files hold trunk and linear layers, or the files
   * @throws WeightsError naming every tensor at fault, or RewardError when the folder holds no such file
   */
  static async load(source: string | readonly string[]): Promise<LpipsModel> {
    const files = typeof source === 'string' ? await safetensorsIn(source) : source;
    return new LpipsModel(await FrozenWeights.load(lpipsSpecs, files, IGNORED));
  }

  /** SHA-256 of the weights. */
  get sha256(): string {
    return this.weights.sha256;
  }

  /** Pictures as LPIPS takes them, [n, height, width, 3]: `u8 / 127.5 − 1`, at full resolution. */
  pixels(images: readonly RgbImage[]): tf.Tensor4D {
    const { width, height } = sharedSize(images);
    const values = new Float32Array(images.length * width * height * 3);
    images.forEach(({ data }, n) => {
      const base = n * data.length;
      for (let i = 0; i < data.length; i++) values[base + i] = data[i]! / 127.5 - 1;
    });
    return tf.tensor4d(values, [images.length, height, width, 3]);
  }

  /** The five rectified feature maps [n, h, w, channels] of {@link pixels}. */
  taps(pixels: tf.Tensor4D): tf.Tensor4D[] {
    return tf.tidy(() => {
      let x = tf.div(tf.sub(pixels, tf.tensor1d(SHIFT)), tf.tensor1d(SCALE)) as tf.Tensor4D;
      return LAYERS.map(({ index, stride, pad, pooled }) => {
        const input = pooled ? tf.maxPool(x, 3, 2, 'valid') : x;
        const kernel = this.weights.get<tf.Tensor4D>(`${convolution(index)}.weight`);
        const bias = this.weights.get<tf.Tensor1D>(`${convolution(index)}.bias`);
        x = tf.relu(tf.add(tf.conv2d(input, kernel, stride, pad, 'NHWC', 1, 'floor'), bias)) as tf.Tensor4D;
        return x;
      });
    });
  }

  /**
   * Distances of every picture to every other, [n, n] row-major, symmetric with a zero diagonal, and the share of each
   * of the five taps, [n, n, 5]. The features of a picture are computed once.
   */
  distances(images: readonly RgbImage[]): { total: Float64Array; perTap: Float64Array } {
    const n = images.length;
    const total = new Float64Array(n * n);
    const perTap = new Float64Array(n * n * LAYERS.length);
    const rows = tf.tidy(() => this.#upperRows(this.taps(this.pixels(images))).map((row) => row.dataSync()));
    rows.forEach((row, i) => {
      for (let j = i + 1; j < n; j++) {
        for (let tap = 0; tap < LAYERS.length; tap++) {
          const share = row[(j - i - 1) * LAYERS.length + tap]!;
          perTap[(i * n + j) * LAYERS.length + tap] = share;
          perTap[(j * n + i) * LAYERS.length + tap] = share;
          total[i * n + j]! += share;
        }
        total[j * n + i] = total[i * n + j]!;
      }
    });
    return { total, perTap };
  }

  /** For each picture but the last, [following pictures, 5]: per tap the weighted squared difference to these. */
  #upperRows(taps: readonly tf.Tensor4D[]): tf.Tensor2D[] {
    const normed = taps.map(
      (f) => tf.div(f, tf.add(tf.sqrt(tf.sum(tf.square(f), 3, true)), NORM_EPSILON)) as tf.Tensor4D,
    );
    const n = taps[0]!.shape[0];
    return Array.from({ length: n - 1 }, (_, i) =>
      tf.tidy(() => {
        const columns = normed.map((f, tap) => {
          const difference = tf.sub(
            tf.slice(f, [i + 1, 0, 0, 0]),
            tf.slice(f, [i, 0, 0, 0], [1, -1, -1, -1]),
          );
          const mean = tf.mean(tf.square(difference), [1, 2]) as tf.Tensor2D;
          // A kernel [1, C, 1, 1] of the file is [1, 1, C, 1] in memory.
          return tf.matMul(mean, tf.reshape(this.weights.get(linear(tap)), [-1, 1]) as tf.Tensor2D);
        });
        return tf.concat(columns, 1) as tf.Tensor2D;
      }),
    );
  }

  dispose(): void {
    this.weights.dispose();
  }
}

async function safetensorsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort();
  if (names.length === 0) throw new RewardError(`${folder}: expected safetensors files of LPIPS, found none`);
  return names.map((name) => join(folder, name));
}

function sharedSize(images: readonly RgbImage[]): { width: number; height: number } {
  const [first, ...others] = images;
  if (first === undefined) throw new RewardError('LPIPS: expected at least one picture, found none');
  const other = others.find(({ width, height }) => width !== first.width || height !== first.height);
  if (other === undefined) return first;
  throw new RewardError(
    `LPIPS: expected pictures of one size, found ${first.width}x${first.height} and ${other.width}x${other.height}`,
  );
}
