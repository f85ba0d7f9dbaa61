import { emaUpdate, memoryStats, tf, valueAndGrads, withAutocast } from '@unicharacter/native';
import type { EventLog } from '../run/event-log.js';
import type { CheckpointFolder, CheckpointRef } from '../run/run-folder.js';
import type { StepEvent, TrainEvent } from '../run/train-event.js';
import { type CheckpointState, writeCheckpoint } from './checkpoint.js';
import { learningRate } from './schedule.js';
import { Throughput } from './throughput.js';
import { TrainError } from './train-error.js';
import type { TrainingStage } from './training-stage.js';

/** Where a stage writes, and how often. */
export interface LoopContext {
  readonly checkpoints: CheckpointFolder;
  readonly log: EventLog;
  /** Writes an event to the log and hands it to the caller. */
  readonly emit: (event: TrainEvent) => void;
  readonly signal?: AbortSignal | undefined;
  readonly checkpointEvery: number;
  readonly keepCheckpoints: number;
  /** 0 leaves only the samples before the first step and at the end. */
  readonly sampleEvery: number;
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
 * Trains one stage from completed step `from` to the end, or until the signal is aborted.
 *
 * Order at a step that is due: step event, samples, checkpoint. A run that is killed in between repeats the step from
 * the checkpoint before, with the same numbers. The scalars of the step event are the only values read from the device.
 *
 * @throws TrainError when a loss is not finite; the last checkpoint stays the one to continue from
 */
export async function trainStage(
  stage: TrainingStage,
  from: number,
  context: LoopContext,
): Promise<LoopResult> {
  const started = performance.now();
  const seconds = (): number => context.secondsBefore + (performance.now() - started) / 1000;
  const save = (step: number): CheckpointRef => saveCheckpoint(stage, step, seconds(), context);
  if (from === 0) await stage.sample?.(0);

  const meter = new Throughput();
  let losses: Record<string, number> = {};
  for (let step = from; step < stage.steps; step++) {
    const { tokens, tasks, values } = await optimizerStep(stage, step);
    const { gradNorm, ...named } = values;
    losses = named;
    const done = step + 1;
    const event: StepEvent = {
      type: 'step',
      stage: stage.name,
      step: done,
      steps: stage.steps,
      losses,
      ...(tasks ? { tasks } : {}),
      tokens,
      ...meter.step(tokens, stage.steps - done),
      gradNorm: gradNorm!,
      lr: learningRate(step, stage.steps, stage.schedule),
      liveBytes: memoryStats().liveBytes,
      peakBytes: memoryStats().peakBytes,
    };
    if (!Object.values(values).every(Number.isFinite)) throw notFinite(event, context.checkpoints);
    context.emit(event);
    // Awaiting a value that is there already does not let the event loop turn, and signals arrive only there.
    await new Promise((resolve) => setImmediate(resolve));

    const last = done === stage.steps;
    const due = (every: number): boolean => every > 0 && done % every === 0;
    if (last || due(context.sampleEvery)) await stage.sample?.(done);
    if (last || due(context.checkpointEvery) || context.signal?.aborted) {
      const checkpoint = save(done);
      if (context.signal?.aborted && !last) {
        context.emit(interruption(stage, checkpoint));
        return { finished: false, losses, seconds: seconds() };
      }
    }
    meter.restart();
  }
  return { finished: true, losses, seconds: seconds() };
}

/** Forward, backward and update of one step; all its numbers come back in one transfer. */
async function optimizerStep(
  stage: TrainingStage,
  step: number,
): Promise<{ tokens: number; tasks?: Record<string, number>; values: Record<string, number> }> {
  const variables = [...stage.variables.values()];
  const prepared = stage.prepare(step);
  const { tokens, tasks } = prepared;
  try {
    const { loss, grads, aux } = withAutocast(stage.precision, () =>
      valueAndGrads(() => prepared.losses(), variables),
    );
    const lr = learningRate(step, stage.steps, stage.schedule);
    const clip = stage.clipNorm > 0 ? { clipNorm: stage.clipNorm } : {};
    const gradNorm = stage.optimizer.step(variables, grads, { lr, ...clip });
    if (stage.ema) emaUpdate([...stage.ema.variables], variables, stage.ema.decay);
    const packed = tf.tidy(() => tf.concat([tf.reshape(loss, [1]), aux.parts, tf.reshape(gradNorm, [1])]));
    tf.dispose([loss, aux.parts, gradNorm, grads.filter((gradient) => gradient !== null)]);
    const numbers = await packed.data<'float32'>();
    packed.dispose();
    const names = ['total', ...prepared.parts, 'gradNorm'];
    const values = Object.fromEntries(names.map((name, index) => [name, numbers[index]!]));
    return { tokens, ...(tasks ? { tasks } : {}), values };
  } finally {
    prepared.dispose();
  }
}

function saveCheckpoint(
  stage: TrainingStage,
  step: number,
  seconds: number,
  { checkpoints, keepCheckpoints, log, data, emit }: LoopContext,
): CheckpointRef {
  const state: CheckpointState = {
    version: 1,
    stage: stage.name,
    step,
    position: stage.position(),
    seconds,
    log: log.mark(),
    data,
  };
  const checkpoint = checkpoints.save(step, keepCheckpoints, (folder) =>
    writeCheckpoint(folder, stage, state),
  );
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
