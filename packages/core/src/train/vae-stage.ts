import { join } from 'node:path';
import { AdamW, randomNormal, tf } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import type { FlowVae } from '../model/index.js';
import { KeyedRandom, streams } from '../random/keyed-random.js';
import { VAE_FILE } from '../run/run-folder.js';
import { gradientStep } from './gradient-step.js';
import type { StepOutcome, Trained, TrainingStage } from './training-stage.js';
import { VAE_LOSS_PARTS, vaeLoss } from './vae-loss.js';

/** Trains the image autoencoder on random crops of the character's pictures. */
export class VaeStage implements TrainingStage {
  readonly name = 'vae';
  readonly steps: number;
  readonly schedule;
  readonly clipNorm: number;
  /** Convolutions of a small autoencoder gain nothing from bfloat16, and what it loses every picture loses. */
  readonly precision = 'float32';
  readonly trained: Trained;
  readonly optimizer: AdamW;

  /**
   * @param pictures each [H, W, 3] in [−1, 1], on the device; both sides at least `crop`
   * @param seed of the run
   */
  constructor(
    private readonly vae: FlowVae,
    private readonly pictures: readonly tf.Tensor3D[],
    private readonly config: TrainConfig['vae'],
    private readonly seed: number,
  ) {
    this.steps = config.steps;
    this.schedule = config.optimizer;
    this.clipNorm = config.optimizer.clipNorm;
    this.trained = {
      variables: vae.variables(),
      save: (folder) => vae.save(join(folder, VAE_FILE)),
      saveMeans: () => {
        throw new Error('the autoencoder keeps no running means');
      },
      meansFile: (folder) => join(folder, VAE_FILE),
    };
    this.optimizer = new AdamW(config.optimizer);
  }

  async advance(step: number, lr: number): Promise<StepOutcome> {
    const { batchSize, crop } = this.config;
    const open = () => {
      const batch = this.crops(step);
      return {
        losses: () => {
          const posterior = this.vae.encode(batch);
          const key = { seed: this.seed, stream: streams.vaePosterior, counter: step };
          const noise = randomNormal(posterior.mean.shape, key) as tf.Tensor4D;
          const output = this.vae.decodeRaw(this.vae.sample(posterior, noise));
          return vaeLoss(output, batch, posterior, this.config);
        },
        dispose: () => batch.dispose(),
      };
    };
    const { gradNorm, ...losses } = await gradientStep(this, lr, [open], VAE_LOSS_PARTS);
    return { tokens: batchSize * (crop / this.vae.config.downsample) ** 2, losses, gradNorm: gradNorm! };
  }

  /** The batch of a step, [B, crop, crop, 3]: random pictures, places and, if wanted, mirror images. */
  private crops(step: number): tf.Tensor4D {
    const { batchSize, crop, flip } = this.config;
    return tf.tidy(() => {
      const random = new KeyedRandom(this.seed, streams.vaeBatch, [step]);
      const parts = Array.from({ length: batchSize }, () => {
        const picture = this.pictures[random.integer(this.pictures.length)]!;
        const top = random.integer(picture.shape[0] - crop + 1);
        const left = random.integer(picture.shape[1] - crop + 1);
        const part = tf.slice(picture, [top, left, 0], [crop, crop, 3]);
        return flip && random.uniform() < 0.5 ? tf.reverse(part, 1) : part;
      });
      return tf.stack(parts) as tf.Tensor4D;
    });
  }

  /** Everything random is keyed by the step: nothing else to remember. */
  position(): Record<string, number> {
    return {};
  }

  dispose(): void {
    this.optimizer.dispose();
  }
}
