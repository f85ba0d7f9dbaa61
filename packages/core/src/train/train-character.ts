import { existsSync } from 'node:fs';
import { nativeInfo, selectBackend, setStrict } from '@unicharacter/native';
import { renderConfig, type TrainConfig } from '../config/index.js';
import { modelTensors } from '../model/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import { EventLog, emptyMark, readEvents } from '../run/event-log.js';
import { writeReport } from '../run/report.js';
import { RunFolder } from '../run/run-folder.js';
import { lockRun } from '../run/run-lock.js';
import { storeCharacter } from '../run/stored-character.js';
import type { TrainEvent } from '../run/train-event.js';
import { copyBaseFiles, openBaseModel, runModelConfig } from './base-model.js';
import { countWeights } from './estimate.js';
import { fineTune } from './fine-tune.js';
import { findProgress, type Progress } from './progress.js';
import { checkSameConfig, checkSameData } from './resume.js';
import type { Session } from './session.js';
import { provideVae } from './train-vae.js';
import { readTrainingData, summariseData, vaePictures } from './training-data.js';

/** How the caller of a training follows and stops it. */
export interface TrainHooks {
  /** Gets every event as it is written to `events.jsonl`. */
  onEvent?(event: TrainEvent): void;
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
 * Trains a character: the image autoencoder first, unless the base model has a trained one, then Unified-SFT. Continues by
 * itself where an earlier call with the same configuration and run folder stopped or was killed, with the same numbers.
 * A run that is finished is left as it is.
 *
 * @throws TrainError, RunError, DataError, ImageError, WeightsError … each naming file or key and what to do;
 *   existing checkpoints stay as they were
 */
export async function trainCharacter(config: TrainConfig, hooks: TrainHooks = {}): Promise<TrainSummary> {
  const base = openBaseModel(config.base);
  const data = await readTrainingData(config.data, config.sft.mix);
  const run = new RunFolder(config.out);
  if (existsSync(run.config)) checkSameConfig(run, config);
  run.create();
  const unlock = lockRun(run.root);
  try {
    const progress = findProgress(run);
    if (progress.state) checkSameData(run, progress.state.data, data);
    else {
      writeFileAtomic(run.config, renderConfig(config));
      copyBaseFiles(base, run, config.image.size);
    }
    const pictures = vaePictures(data, runModelConfig(run));
    const log = new EventLog(run.events);
    try {
      const emit = (event: TrainEvent): void => {
        log.append(event);
        hooks.onEvent?.(event);
        if (event.type === 'sample' || event.type === 'interrupted') writeReport(run);
      };
      const session: Session = { config, run, base, data, pictures, log, emit, signal: hooks.signal };
      return await trainOnNative(session, progress);
    } finally {
      log.close();
    }
  } finally {
    unlock();
  }
}

async function trainOnNative(session: Session, progress: Progress): Promise<TrainSummary> {
  const { run, config } = session;
  const done = finishedBefore(run, config, progress);
  if (done) return done;
  session.log.rewind(progress.state?.log ?? emptyMark);
  await announce(session, progress);
  selectBackend('native');
  setStrict(true);
  try {
    const vae = await provideVae(session, progress);
    const sft = vae.finished ? await fineTune(session, progress, vae.seconds) : undefined;
    const { losses, seconds } = sft ?? vae;
    const finished = sft?.finished ?? false;
    if (finished) {
      session.emit({ type: 'done', step: config.sft.steps, seconds, losses, report: run.report });
    }
    return { finished, run: run.root, report: writeReport(run), seconds, losses };
  } finally {
    setStrict(false);
  }
}

/** The summary of a run that has nothing left to do. */
function finishedBefore(
  run: RunFolder,
  { sft }: TrainConfig,
  { checkpoint, stage }: Progress,
): TrainSummary | undefined {
  if (stage !== 'sft' || checkpoint?.step !== sft.steps) return undefined;
  const done = readEvents(run.events).findLast((event) => event.type === 'done');
  if (!done) return undefined;
  const { seconds, losses } = done;
  return { finished: true, run: run.root, report: writeReport(run), seconds, losses };
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
  await storeCharacter(run, data.character, pictures);
  const modelConfig = runModelConfig(run);
  emit({
    type: 'start',
    run: run.root,
    data: summariseData(data, config.sft.mix, base.tokenizer, modelConfig),
    parameters: countWeights(modelTensors(modelConfig)),
    precision: config.precision,
    threads: nativeInfo().threads,
  });
}
