import { dirname, join } from 'node:path';
import { tf } from '@unicharacter/native';
import type { RgbImage } from '../image/index.js';
import { FlowVae, type VaeConfig } from '../model/index.js';
import { writeFolderAtomic } from '../run/atomic-write.js';
import { VAE_FILE } from '../run/run-folder.js';
import { copyInto, runModelConfig, setLatentScale } from './base-model.js';
import { restoreOptimizer, writeState } from './checkpoint.js';
import { latentStatistics, pixelTensors } from './picture-encoder.js';
import type { Progress } from './progress.js';
import { writeReconstructions } from './reconstructions.js';
import { loopContext, type Session } from './session.js';
import { TrainError } from './train-error.js';
import { type LoopResult, trainStage } from './training-loop.js';
import { VaeStage } from './vae-stage.js';

/**
 * Makes sure that the run has an autoencoder: copies the base model's, or trains one on the character's pictures and
 * measures how its latents are scaled.
 * @returns the result of the stage; `finished` is false when the signal stopped it
 */
export async function provideVae(session: Session, progress: Progress): Promise<LoopResult> {
  const { base, run } = session;
  if (progress.stage !== 'vae') return { finished: true, losses: {}, seconds: progress.state?.seconds ?? 0 };
  if (base.vae) {
    finishVae(session, 0, 0, (folder) => copyInto(base.vae!, join(folder, VAE_FILE)));
    return { finished: true, losses: {}, seconds: 0 };
  }
  const pictures = await session.pictures();
  checkCrop(session, pictures);
  const pixels = pixelTensors(pictures.values());
  const from = progress.checkpoint;
  const { vae: config } = runModelConfig(run);
  const vae = from ? FlowVae.load(config, join(from.path, VAE_FILE)) : freshVae(config, session.config.seed);
  const stage = new VaeStage(vae, pixels, session.config.vae, session.config.seed);
  try {
    if (from) restoreOptimizer(stage, from.path);
    session.emit({
      type: 'stage',
      stage: 'vae',
      steps: stage.steps,
      message: 'training the image autoencoder',
    });
    const context = loopContext(session, run.vaeCheckpoints, {
      secondsBefore: progress.state?.seconds ?? 0,
      score: null,
    });
    const result = await trainStage(stage, from, context);
    if (!result.finished) return result;
    const { mean, std } = await latentStatistics(vae, pixels);
    setLatentScale(run, mean, 1 / std);
    await writeReconstructions(session, vae, pictures, pixels);
    finishVae(session, stage.steps, result.seconds, (folder) => vae.save(join(folder, VAE_FILE)));
    run.vaeCheckpoints.remove();
    return result;
  } finally {
    stage.dispose();
    vae.dispose();
    tf.dispose(pixels);
  }
}

/** @throws TrainError naming the first picture that is smaller than the crops, before a step is taken */
function checkCrop({ config, data }: Session, pictures: ReadonlyMap<string, RgbImage>): void {
  const { vae, image } = config;
  const small = [...pictures].find(([, { width, height }]) => Math.min(width, height) < vae.crop);
  if (!small) return;
  const [id, { width, height }] = small;
  const side = Math.min(...[...pictures.values()].flatMap((picture) => [picture.width, picture.height]));
  const fitting = 16 * Math.floor(side / 16);
  throw new TrainError(
    `${data.character.source}: picture ${id} is ${width} × ${height} pixels at image.size ${image.size}, and the autoencoder ` +
      `learns from crops of ${vae.crop} × ${vae.crop} (vae.crop); ` +
      (fitting > 0
        ? `set vae.crop to ${fitting} or less, or a larger image.size`
        : 'set a larger image.size'),
  );
}

/** Log-variance of the posterior before the first step: a standard deviation of 0.05. */
const INITIAL_LOGVAR = -6;

/**
 * An untrained autoencoder with a narrow posterior. From a deviation of 1, as fresh weights give, the first hundred steps
 * would go into latents that are loud enough to be heard over their own noise.
 */
function freshVae(config: VaeConfig, seed: number): FlowVae {
  const vae = FlowVae.init(config, seed);
  const { latentChannels: channels } = config;
  tf.tidy(() => {
    const bias = [...new Array(channels).fill(0), ...new Array(channels).fill(INITIAL_LOGVAR)];
    vae.variables().get('encoder.conv_out.bias')!.assign(tf.tensor1d(bias));
  });
  return vae;
}

/** Writes the autoencoder's folder with what a later session needs to go on from here. */
function finishVae(session: Session, step: number, seconds: number, write: (folder: string) => void): void {
  const { run, log, data } = session;
  writeFolderAtomic(dirname(run.vae), (folder) => {
    write(folder);
    writeState(folder, {
      version: 1,
      stage: 'vae',
      step,
      position: {},
      seconds,
      log: log.mark(),
      data: data.fingerprint,
      score: null,
    });
  });
}
