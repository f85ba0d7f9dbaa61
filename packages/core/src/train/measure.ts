import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryStats } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import type { Stage } from '../run/train-event.js';
import { stepsOf, wantedStages } from './progress.js';
import { trainCharacter } from './train-character.js';

/** How a stage really behaves on this machine. */
export interface StageMeasure {
  readonly stage: Stage;
  readonly secondsPerStep: number;
  /** Seconds of all steps of the configuration. */
  readonly seconds: number;
  /** Most memory of tensors, weights that are used where they lie on disk included. */
  readonly peakBytes: number;
}

/** Steps of each stage; the first of them is not counted where there are others. */
const STEPS = { vae: 4, sft: 4, grpo: 1, 'text-grpo': 1 } as const;

/**
 * Takes a few real steps of every stage in a scratch folder, which is removed again, and says what all steps will take.
 * Samples, held-out losses and checkpoints are left out.
 * @throws everything that the training itself would
 */
export async function measureTraining(config: TrainConfig): Promise<StageMeasure[]> {
  const out = mkdtempSync(join(tmpdir(), 'measured-run-'));
  const times = new Map<Stage, { seconds: number[]; peak: number }>();
  let since = performance.now();
  try {
    await trainCharacter(shortened(config, out), {
      onEvent: (event) => {
        const now = performance.now();
        if (event.type === 'step') {
          const { stage, peakBytes } = event;
          const known = times.get(stage) ?? { seconds: [], peak: 0 };
          known.seconds.push((now - since) / 1000);
          known.peak = Math.max(known.peak, peakBytes + memoryStats().mappedBytes);
          times.set(stage, known);
        }
        since = now;
      },
    });
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
  const steps = (stage: Stage) => (stage === 'vae' ? config.vae.steps : stepsOf(config, stage));
  return [...times].map(([stage, { seconds, peak }]) => {
    // The median: one step that something else held up does not count.
    const counted = (seconds.length > 1 ? seconds.slice(1) : seconds).sort((a, b) => a - b);
    const secondsPerStep = counted[counted.length >> 1]!;
    return { stage, secondsPerStep, seconds: secondsPerStep * steps(stage), peakBytes: peak };
  });
}

/** The same training, a few steps long; later stages need the ones before. */
function shortened(config: TrainConfig, out: string): TrainConfig {
  const wanted = wantedStages(config);
  const epochs = (stage: 'grpo' | 'text-grpo') => (wanted.includes(stage) ? STEPS[stage] : 0);
  return {
    ...config,
    out,
    stage: 'all',
    vae: { ...config.vae, steps: STEPS.vae },
    sft: { ...config.sft, steps: STEPS.sft },
    grpo: { ...config.grpo, epochs: epochs('grpo'), every: 0 },
    textGrpo: { ...config.textGrpo, epochs: epochs('text-grpo'), every: 0 },
    cache: { ...config.cache, folder: join(out, 'encoded') },
    checkpoints: { ...config.checkpoints, every: 0 },
    samples: { ...config.samples, every: 0, talk: [], draw: [] },
  };
}
