import { tf } from '@unicharacter/native';
import { type Comparison, compare } from '../../compare.js';
import type { CaseReport } from '../../run-case.js';
import { compareNested } from './compare-nested.js';
import type { RewardCase, RewardGolden, RewardOutput } from './golden.js';
import { rewardRunnerOf } from './registry.js';

/** Runs one case of reward numbers and compares every stored output. */
export async function runRewardCase(golden: RewardGolden, entry: RewardCase): Promise<CaseReport> {
  const blank = { id: entry.id, regime: 'float32', comparisons: [], notCompared: [], leaked: 0 };
  const runner = rewardRunnerOf(entry.id);
  if (!runner) return { ...blank, verdict: 'unsupported' };
  try {
    const before = tf.memory().numTensors;
    const own = await runner(golden, entry);
    const leaked = tf.memory().numTensors - before;
    const stored = Object.entries(entry.outputs);
    const notCompared = stored.map(([name]) => name).filter((name) => !(name in own));
    const comparisons = stored
      .filter(([name]) => name in own)
      .map(([name, output]) => compareOutput(golden, name, own[name], output));
    const ok = comparisons.every((c) => c.ok) && notCompared.length === 0 && leaked === 0;
    return { ...blank, verdict: ok ? 'pass' : 'fail', comparisons, notCompared, leaked };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...blank, verdict: 'fail', error: text };
  }
}

function compareOutput(golden: RewardGolden, name: string, own: unknown, output: RewardOutput): Comparison {
  const tolerance = output.tolerance === 0 ? { atol: 0 } : output.tolerance;
  if (output.tensor === undefined) {
    const stored = output.file === undefined ? output.value : golden.json(output.file);
    return compareNested(name, own, stored, tolerance);
  }
  return compare(name, own as ArrayLike<number>, golden.values(output.tensor), tolerance);
}
