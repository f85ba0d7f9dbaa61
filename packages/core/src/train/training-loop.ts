import { memoryStats, resetPeak } from '@unicharacter/native';
import { AbortedError } from '../generate/index.js';
import type { EventLog } from '../run/event-log.js';
import type { CheckpointFolder, CheckpointRef, Keep } from '../run/run-folder.js';
import type { StepEvent, TrainEvent } from '../run/train-event.js';
import { type CheckpointState, writeCheckpoint } from './checkpoint.js';
import { learningRate } from './schedule.js';
import { Throughput } from './throughput.js';
import { TrainError } from './train-error.js';
import type { StepOutcome, TrainingStage } from './training-stage.js';

/** Where a stage writes, and how often. */
export interface LoopContext {
  readonly checkpoints: CheckpointFolder;
  readonly log: EventLog;
  /** Writes an event to the log and hands it to the caller. */
  readonly emit: (event: TrainEvent) => void;
  readonly signal?: AbortSignal | undefined;
  readonly checkpointEvery: number;
  readonly keep: Keep;
  /** 0 leaves only the samples before the first step and at the end. */
  readonly sampleEvery: number;
  /** Steps between measurements on held-out data; 0 measures before the first and after the last step only. */
  readonly validateEvery: number;
  /** Looks at a step; returns a message when training has to stop. */
  readonly alarms?: ((event: StepEvent) => string | undefined) | undefined;
  /** Score at the checkpoint that the stage goes on from. */
  readonly score: number | null;
  /** Fingerprint of the training data. */
  readonly data: string;
  /** Seconds of training before this call (earlier stages and sessions). */
  readonly secondsBefore: number;
}

export interface LoopResult {
  readonly finished: boolean;
  readonly losses: Record<string, number>;
  readonly seconds: number;
}

/**
 * Trains one stage from its beginning or a checkpoint to the end, or until the signal is aborted.
 *
 * Order at a step that is due: step event, samples, checkpoint. A run that is killed in between repeats the step from
 * the checkpoint before, with the same numbers. The scalars of the step event are the only values read from the device.
 *
 * @throws TrainError when a loss is not finite; the last checkpoint stays the one to continue from
 */
export async function trainStage(
  stage: TrainingStage,
  from: CheckpointRef | undefined,
  context: LoopContext,
): Promise<LoopResult> {
  const started = performance.now();
  const seconds = (): number => context.secondsBefore + (performance.now() - started) / 1000;
  const save = (step: number, score: number | null): CheckpointRef =>
    saveCheckpoint(stage, step, seconds(), score, context);
  // The peak that step events tell is that of this stage.
  resetPeak();
  if (!from) {
    await stage.sample?.(0);
    validate(stage, 0, context);
  }

  const meter = new Throughput();
  let losses: Record<string, number> = {};
  let score: number | null = context.score;
  for (let step = from?.step ?? 0; step < stage.steps; step++) {
    const lr = learningRate(step, stage.steps, stage.schedule);
    const outcome = await stepUnlessAborted(stage, step, lr, context.signal);
    if (!outcome) return interrupted(save(step, score), losses);
    const event = stepEvent(stage, step, lr, outcome, meter);
    if (!isSound(event)) throw notFinite(event, context.checkpoints);
    losses = outcome.losses;
    context.emit(event);
    if (outcome.rewards?.total !== undefined) score = outcome.rewards.total;
    // Awaiting a value that is there already does not let the event loop turn, and signals arrive only there.
    await new Promise((resolve) => setImmediate(resolve));

    const done = step + 1;
    const last = done === stage.steps;
    const due = (every: number): boolean => every > 0 && done % every === 0;
    if (last || due(context.sampleEvery)) await stage.sample?.(done);
    if (last || due(context.validateEvery)) score = validate(stage, done, context) ?? score;
    const alarm = context.alarms?.(event);
    if (last || due(context.checkpointEvery) || context.signal?.aborted || alarm) {
      const checkpoint = save(done, score);
      if (alarm) throw new TrainError(`${alarm} The checkpoint ${checkpoint.path} is intact.`);
      if (context.signal?.aborted && !last) return interrupted(checkpoint, losses);
    }
    meter.restart();
  }
  return { finished: true, losses, seconds: seconds() };

  function interrupted(checkpoint: CheckpointRef, reached: Record<string, number>): LoopResult {
    context.emit(interruption(stage, checkpoint));
    return { finished: false, losses: reached, seconds: seconds() };
  }
}

/** The outcome of a step, or undefined when the signal stopped it before any weight had changed. */
async function stepUnlessAborted(
  stage: TrainingStage,
  step: number,
  lr: number,
  signal: AbortSignal | undefined,
): Promise<StepOutcome | undefined> {
  try {
    return await stage.advance(step, lr, signal);
  } catch (error) {
    if (error instanceof AbortedError) return undefined;
    throw error;
  }
}

function stepEvent(
  stage: TrainingStage,
  step: number,
  lr: number,
  { tokens, ...outcome }: StepOutcome,
  meter: Throughput,
): StepEvent {
  const { liveBytes, peakBytes } = memoryStats();
  const rates = meter.step(tokens, stage.steps - step - 1);
  return {
    type: 'step',
    stage: stage.name,
    step: step + 1,
    steps: stage.steps,
    ...outcome,
    tokens,
    ...rates,
    lr,
    liveBytes,
    peakBytes,
  };
}

/** Are all losses and the gradient norm finite? */
function isSound({ losses, gradNorm }: StepEvent): boolean {
  return [gradNorm, ...Object.values(losses)].every(Number.isFinite);
}

/** Measures and logs the losses on held-out data. */
function validate(stage: TrainingStage, step: number, { emit }: LoopContext): number | undefined {
  const measured = stage.validate?.(step);
  if (!measured) return undefined;
  emit({ type: 'validation', stage: stage.name, step, losses: measured.losses });
  return measured.score;
}

function saveCheckpoint(
  stage: TrainingStage,
  step: number,
  seconds: number,
  score: number | null,
  { checkpoints, keep, log, data, emit }: LoopContext,
): CheckpointRef {
  const state: CheckpointState = {
    version: 1,
    stage: stage.name,
    step,
    position: stage.position(),
    seconds,
    log: log.mark(),
    data,
    score,
  };
  const checkpoint = checkpoints.save(step, keep, (folder) => writeCheckpoint(folder, stage, state));
  emit({ type: 'checkpoint', stage: stage.name, step, path: checkpoint.path });
  return checkpoint;
}

function interruption(stage: TrainingStage, { step, path }: CheckpointRef): TrainEvent {
  return {
    type: 'interrupted',
    stage: stage.name,
    step,
    path,
    message: `stopped after step ${step} of ${stage.steps}; train again with the same configuration to continue`,
  };
}

function notFinite(event: StepEvent, checkpoints: CheckpointFolder): TrainError {
  const values = Object.entries({ ...event.losses, 'gradient norm': event.gradNorm });
  const bad = values
    .filter(([, value]) => !Number.isFinite(value))
    .map(([name, value]) => `${name} ${value}`);
  const latest = checkpoints.latest();
  return new TrainError(
    `${event.stage} step ${event.step}: ${bad.join(', ')} where a finite number was expected; ` +
      'lower the learning rate or use precision float32. ' +
      (latest ? `The checkpoint ${latest.path} is intact.` : 'There is no checkpoint yet.'),
  );
}
