import { AdamW, type tf } from '@unicharacter/native';
import { AbortedError, nextTurn } from '../generate/index.js';
import { gradientStep, type Pass } from '../train/gradient-step.js';
import { learningRate } from '../train/schedule.js';

export interface LearnSettings {
  readonly steps: number;
  /** Peak learning rate; falls to 0 along half a cosine. */
  readonly lr: number;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((progress: LearnProgress) => void) | undefined;
}

export interface LearnProgress {
  readonly step: number;
  readonly steps: number;
  /** Mean loss since the last report. */
  readonly loss: number;
  readonly etaSeconds: number;
}

/** Share of the steps in which the learning rate rises. */
const WARMUP = 0.05;
const DECAY = 0.02;
const CLIP_NORM = 1;
const REPORT_EVERY = 20;

/**
 * Trains the weights of a judge in float32 with AdamW; matrices and kernels decay, norms and offsets do not.
 *
 * @param open prepares the pass of a step; its losses need no parts
 * @throws AbortedError between two steps when the signal is aborted
 */
export async function learn(
  variables: ReadonlyMap<string, tf.Variable>,
  { steps, lr, signal, onStep }: LearnSettings,
  open: (step: number) => Pass,
): Promise<void> {
  const optimizer = new AdamW({
    betas: [0.9, 0.98],
    eps: 1e-8,
    weightDecay: DECAY,
    decays: (variable) => variable.rank > 1,
  });
  const learner = { trained: { variables }, optimizer, clipNorm: CLIP_NORM, precision: 'float32' } as const;
  const schedule = { lr, warmupSteps: Math.ceil(steps * WARMUP), decay: 'cosine', minLr: 0 } as const;
  const started = performance.now();
  let sum = 0;
  let count = 0;
  try {
    for (let step = 0; step < steps; step++) {
      if (signal?.aborted) throw new AbortedError();
      const { total } = await gradientStep(
        learner,
        learningRate(step, steps, schedule),
        [() => open(step)],
        ['loss'],
      );
      if (!Number.isFinite(total))
        throw new Error(`step ${step + 1}: expected a finite loss, found ${total}; lower the learning rate`);
      sum += total!;
      count++;
      const done = step + 1;
      if (done % REPORT_EVERY === 0 || done === steps) {
        const etaSeconds = ((performance.now() - started) / 1000 / done) * (steps - done);
        onStep?.({ step: done, steps, loss: sum / count, etaSeconds });
        [sum, count] = [0, 0];
        await nextTurn();
      }
    }
  } finally {
    optimizer.dispose();
  }
}
