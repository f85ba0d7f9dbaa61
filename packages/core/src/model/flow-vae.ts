import { groupNorm, tf } from '@unicharacter/native';
import { vaeTensors } from './checkpoint-names.js';
import type { VaeConfig } from './config.js';
import type { LoadOptions } from './load-weights.js';
import { type Affine, WeightStore } from './weight-store.js';

/** Normal distribution over latents of an image batch, each [batch, height/8, width/8, channels] for 8-fold downsampling. */
export interface LatentPosterior {
  readonly mean: tf.Tensor4D;
  readonly logvar: tf.Tensor4D;
}

const NORM_EPS = 1e-6;

/** Rows of the attention matrix of the middle block that exist at a time. */
const ATTENTION_ROWS = 2048;

/** FLUX autoencoder (spec 3.1), NHWC. Images are in [-1, 1]. */
export class FlowVae {
  readonly config: VaeConfig;
  readonly #weights: WeightStore;

  private constructor(config: VaeConfig, weights: WeightStore) {
    this.config = config;
    this.#weights = weights;
  }

  /** Fresh weights; the same seed gives the same weights on every backend. */
  static init(config: VaeConfig, seed: number): FlowVae {
    return new FlowVae(config, WeightStore.fresh(vaeTensors(config), seed));
  }

  /** Weights of an `ae.safetensors`. @throws WeightsError listing every tensor that does not fit */
  static load(config: VaeConfig, file: string, options?: LoadOptions): FlowVae {
    return new FlowVae(config, WeightStore.fromFiles(vaeTensors(config), [file], options));
  }

  /** The trainable weights by published name. */
  variables(): ReadonlyMap<string, tf.Variable> {
    return this.#weights.variables();
  }

  /** All weights by published name, trainable or frozen. */
  tensors(): ReadonlyMap<string, tf.Tensor> {
    return this.#weights.tensors();
  }

  save(path: string, dtype: 'F32' | 'BF16' = 'F32'): void {
    this.#weights.save(path, dtype);
  }

  dispose(): void {
    this.#weights.dispose();
  }

  /** Pixels [batch, H, W, 3] to the posterior in the autoencoder's own space (not scaled). */
  encode(pixels: tf.Tensor4D): LatentPosterior {
    return tf.tidy(() => {
      const { channelMultipliers, resBlocks, latentChannels } = this.config;
      let x = this.#conv('encoder.conv_in', pixels);
      channelMultipliers.forEach((_, level) => {
        for (let block = 0; block < resBlocks; block++)
          x = replaced(x, this.#resBlock(`encoder.down.${level}.block.${block}`, x));
        if (level < channelMultipliers.length - 1)
          x = replaced(x, this.#downsample(`encoder.down.${level}.downsample.conv`, x));
      });
      x = replaced(x, this.#middle('encoder.mid', x));
      x = replaced(x, this.#normConv('encoder.norm_out', 'encoder.conv_out', x));
      const [batch, h, w] = x.shape;
      const size: [number, number, number, number] = [batch, h, w, latentChannels];
      return {
        mean: tf.slice(x, [0, 0, 0, 0], size),
        logvar: tf.slice(x, [0, 0, 0, latentChannels], size),
      };
    });
  }

  /** Latents in the autoencoder's own space to pixels, not clamped. */
  decodeRaw(latent: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const { channelMultipliers, resBlocks } = this.config;
      let x = this.#middle('decoder.mid', this.#conv('decoder.conv_in', latent));
      for (let level = channelMultipliers.length - 1; level >= 0; level--) {
        for (let block = 0; block <= resBlocks; block++)
          x = replaced(x, this.#resBlock(`decoder.up.${level}.block.${block}`, x));
        if (level > 0) x = replaced(x, this.#upsample(`decoder.up.${level}.upsample.conv`, x));
      }
      return this.#normConv('decoder.norm_out', 'decoder.conv_out', x);
    });
  }

  /** Latents of the language model's space to pixels [batch, H, W, 3], not clamped. */
  decode(scaled: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.decodeRaw(tf.add(tf.div(scaled, this.config.scale), this.config.shift)));
  }

  /** Own space to the language model's space: scale · (z − shift). */
  scaled<T extends tf.Tensor>(latent: T): T {
    return tf.tidy(() => tf.mul(tf.sub(latent, this.config.shift), this.config.scale) as T);
  }

  /** A draw mean + exp(½·logvar)·eps in the autoencoder's own space; `eps` is standard normal noise of the same shape. */
  sample({ mean, logvar }: LatentPosterior, eps: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tf.add(mean, tf.mul(tf.exp(tf.mul(logvar, 0.5)), eps)) as tf.Tensor4D);
  }

  #conv(name: string, x: tf.Tensor4D, stride = 1, padding: 'same' | 'valid' = 'same'): tf.Tensor4D {
    const weight = this.#weights.tensor<tf.Tensor4D>(`${name}.weight`);
    return tf.tidy(
      () =>
        tf.add(tf.conv2d(x, weight, stride, padding), this.#weights.tensor(`${name}.bias`)) as tf.Tensor4D,
    );
  }

  #norm(name: string, x: tf.Tensor4D, activation: 'none' | 'silu'): tf.Tensor4D {
    const { weight, bias }: Affine = this.#weights.affine(name);
    return groupNorm(x, weight, bias, this.config.groups, NORM_EPS, activation);
  }

  /** Group norm, SiLU, 3×3 convolution. */
  #normConv(norm: string, conv: string, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.#conv(conv, this.#norm(norm, x, 'silu')));
  }

  #resBlock(name: string, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const first = this.#normConv(`${name}.norm1`, `${name}.conv1`, x);
      const second = replaced(first, this.#normConv(`${name}.norm2`, `${name}.conv2`, first));
      const skip = this.#weights.has(`${name}.nin_shortcut.weight`)
        ? this.#conv(`${name}.nin_shortcut`, x)
        : x;
      return tf.add(skip, second) as tf.Tensor4D;
    });
  }

  #middle(name: string, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const first = this.#resBlock(`${name}.block_1`, x);
      return this.#resBlock(`${name}.block_2`, this.#attention(`${name}.attn_1`, first));
    });
  }

  /** One head over all cells of an image, scale 1/√channels (spec 3.1 and addenda), scores in float32. */
  #attention(name: string, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const [batch, h, w, c] = x.shape;
      const cells = h * w;
      const normed = this.#norm(`${name}.norm`, x, 'none');
      const part = (p: string) =>
        this.#conv(`${name}.${p}`, normed).reshape([batch, cells, c]) as tf.Tensor3D;
      const q = tf.mul(part('q'), 1 / Math.sqrt(c)) as tf.Tensor3D;
      const k = part('k');
      const v = part('v');
      const blocks: tf.Tensor3D[] = [];
      for (let from = 0; from < cells; from += ATTENTION_ROWS) {
        const rows = tf.slice(q, [0, from, 0], [batch, Math.min(ATTENTION_ROWS, cells - from), c]);
        blocks.push(tf.tidy(() => tf.matMul(tf.softmax(tf.matMul(rows, k, false, true)), v)));
      }
      const attended = blocks.length === 1 ? (blocks[0] as tf.Tensor3D) : tf.concat(blocks, 1);
      return tf.add(
        x,
        this.#conv(`${name}.proj_out`, attended.reshape([batch, h, w, c]) as tf.Tensor4D),
      ) as tf.Tensor4D;
    });
  }

  /** Zero padding on the right and at the bottom only, then 3×3 with stride 2. */
  #downsample(name: string, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() =>
      this.#conv(
        name,
        tf.pad(x, [
          [0, 0],
          [0, 1],
          [0, 1],
          [0, 0],
        ]),
        2,
        'valid',
      ),
    );
  }

  #upsample(name: string, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const [, h, w] = x.shape;
      return this.#conv(name, tf.image.resizeNearestNeighbor(x, [2 * h, 2 * w]));
    });
  }
}

/** `next`, after letting go of the value it was computed from: at full size each costs more than most weights. */
function replaced(previous: tf.Tensor4D, next: tf.Tensor4D): tf.Tensor4D {
  previous.dispose();
  return next;
}
