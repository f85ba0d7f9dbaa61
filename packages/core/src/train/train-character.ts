import { existsSync } from 'node:fs';
import { nativeInfo, selectBackend, setStrict } from '@unicharacter/native';
import { renderConfig, type TrainConfig } from '../config/index.js';
import type { RgbImage } from '../image/index.js';
import { modelTensors } from '../model/index.js';
import type { CompositeReward, RewardSample, TextRewardSample } from '../reward/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import { EventLog, emptyMark, readEvents } from '../run/event-log.js';
import { writeReport } from '../run/report.js';
import { RunFolder } from '../run/run-folder.js';
import { lockRun } from '../run/run-lock.js';
import { storeCharacter } from '../run/stored-character.js';
import { TensorBoardLog } from '../run/tensorboard-log.js';
import type { TrainEvent } from '../run/train-event.js';
import { copyBaseFiles, openBaseModel, runModelConfig } from './base-model.js';
import { withDiskAdvice } from './disk-advice.js';
import { fineTune } from './fine-tune.js';
import { learnFromReplies, learnFromRewards } from './grpo/index.js';
import { withMemoryAdvice } from './memory-advice.js';
import {
  checkOrder,
  findProgress,
  isFinished,
  type LaterStage,
  type Progress,
  stepsOf,
  wantedStages,
} from './progress.js';
import { checkSameConfig, checkSameData } from './resume.js';
import type { Session } from './session.js';
import { countWeights } from './stage-work.js';
import { provideVae } from './train-vae.js';
import { once, readTrainingData, summariseData, type TrainingData, vaePictures } from './training-data.js';
import type { LoopResult } from './training-loop.js';

/** How the caller of a training follows and stops it. */
export interface TrainHooks {
  /** Gets every event as it is written to `events.jsonl`. */
  onEvent?(event: TrainEvent): void;
  /** Judges the pictures of Character-GRPO instead of the rewards of the configuration. Disposed at the end. */
  imageReward?: CompositeReward<RewardSample>;
  /** Judges the replies of text GRPO instead of the rewards of the configuration. Disposed at the end. */
  textReward?: CompositeReward<TextRewardSample>;
  /** When aborted, the current step is finished and saved; the same call continues later. */
  signal?: AbortSignal;
}

export interface TrainSummary {
  /** False when the signal stopped the training before its last step. */
  finished: boolean;
  /** The run folder. */
  run: string;
  /** Path of `report.html`. */
  report: string;
  /** Seconds of training over all sessions. */
  seconds: number;
  /** Losses of the last step. */
  losses: Record<string, number>;
}

/**
 * Trains a character: the image autoencoder first, unless the base model has a trained one, then the stages that the
 * configuration asks for. Continues by itself where an earlier call with the same configuration and run folder stopped or
 * was killed, with the same numbers. A run that is finished is left as it is.
 *
 * @throws TrainError, RunError, DataError, ImageError, WeightsError … each naming file or key and what to do;
 *   existing checkpoints stay as they were
 */
export async function trainCharacter(config: TrainConfig, hooks: TrainHooks = {}): Promise<TrainSummary> {
  return trainOn(await readTrainingData(config), config, hooks);
}

/** `trainCharacter` on data that are there already. */
export async function trainOn(
  data: TrainingData,
  config: TrainConfig,
  hooks: TrainHooks = {},
): Promise<TrainSummary> {
  const base = openBaseModel(config.base);
  const run = new RunFolder(config.out);
  if (existsSync(run.config)) checkSameConfig(run, config);
  checkOrder(run, config);
  run.create();
  const unlock = lockRun(run.root);
  try {
    const progress = findProgress(run);
    if (progress.state) checkSameData(run, progress.state.data, data);
    else copyBaseFiles(base, run, config.image.size);
    writeFileAtomic(run.config, renderConfig(config));
    const pictures = once(() => vaePictures(data, runModelConfig(run)));
    const log = new EventLog(run.events);
    try {
      let board: TensorBoardLog | undefined;
      const emit = (event: TrainEvent): void => {
        board ??= new TensorBoardLog(run);
        board.append(log.append(event));
        hooks.onEvent?.(event);
        if (event.type === 'sample' || event.type === 'interrupted') writeReport(run);
      };
      const session: Session = { config, run, base, data, pictures, log, emit, signal: hooks.signal };
      return await trainOnNative(session, progress, hooks);
    } finally {
      log.close();
    }
  } finally {
    unlock();
  }
}

async function trainOnNative(session: Session, progress: Progress, hooks: TrainHooks): Promise<TrainSummary> {
  const { run, config } = session;
  const left = wantedStages(config).filter((stage) => !isFinished(run, config, stage));
  const last = readEvents(run.events).findLast((event) => event.type === 'done');
  if (left.length === 0 && last) {
    const { seconds, losses } = last;
    return { finished: true, run: run.root, report: writeReport(run), seconds, losses };
  }
  session.log.rewind(progress.state?.log ?? emptyMark);
  await announce(session, progress);
  selectBackend('native');
  setStrict(true);
  try {
    const result = await runStages(session, progress, left, hooks);
    const { finished, losses, seconds } = result;
    if (finished) {
      const step = stepsOf(config, wantedStages(config).at(-1)!);
      session.emit({ type: 'done', step, seconds, losses, report: run.report });
    }
    return { finished, run: run.root, report: writeReport(run), seconds, losses };
  } catch (error) {
    throw withDiskAdvice(withMemoryAdvice(error, config), run);
  } finally {
    setStrict(false);
  }
}

/** The autoencoder and the stages that are left, until one is stopped. */
async function runStages(
  session: Session,
  progress: Progress,
  left: readonly LaterStage[],
  hooks: TrainHooks,
): Promise<LoopResult> {
  let result = await provideVae(session, progress);
  for (const stage of left) {
    if (!result.finished) break;
    const own = progress.stage === stage ? progress : { stage };
    const { seconds } = result;
    if (stage === 'sft') result = await fineTune(session, own, seconds);
    else if (stage === 'grpo') result = await learnFromRewards(session, own, seconds, hooks.imageReward);
    else result = await learnFromReplies(session, own, seconds, hooks.textReward);
  }
  return result;
}

/** Says what is going to be trained, or from where it goes on; a new run keeps the character with it. */
async function announce(
  { config, run, base, data, pictures, emit }: Session,
  progress: Progress,
): Promise<void> {
  if (progress.state) {
    const { checkpoint, stage } = progress;
    emit({ type: 'resume', stage, step: checkpoint?.step ?? 0, checkpoint: checkpoint?.path ?? run.vae });
    return;
  }
  const shown = data.character.images.length > 0 ? await pictures() : new Map<string, RgbImage>();
  await storeCharacter(run, data.character, shown);
  const modelConfig = runModelConfig(run);
  emit({
    type: 'start',
    run: run.root,
    data: await summariseData(data, config.sft, base.tokenizer, modelConfig),
    parameters: countWeights(modelTensors(modelConfig)),
    precision: config.precision,
    threads: nativeInfo().threads,
  });
}
