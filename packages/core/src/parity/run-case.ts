import { type Precision, tf } from '@unicharacter/native';
import { type Comparison, compare } from './compare.js';
import type { CaseEntry, Golden } from './golden.js';
import { runnerOf, weightsOf } from './registry.js';

/** The verdict on one case. */
export interface CaseReport {
  readonly id: string;
  readonly regime: string;
  readonly verdict: 'pass' | 'fail' | 'unsupported';
  readonly comparisons: readonly Comparison[];
  /** Stored outputs that were not computed. */
  readonly notCompared: readonly string[];
  /** Comparisons left out because the files they need are absent. */
  readonly skipped?: number;
  /** Why the case could not be run. */
  readonly error?: string;
  /** Tensors that the case left behind. */
  readonly leaked: number;
}

/**
 * Runs one case and compares every stored output. A case passes when all outputs were computed and lie within their
 * tolerances and no tensor is left behind.
 *
 * @param precision of the model instead of the one of the case's regime
 */
export async function runCase(
  golden: Golden,
  entry: CaseEntry,
  precision: Precision = entry.regime,
): Promise<CaseReport> {
  const { id, regime } = entry;
  const blank = { id, regime, comparisons: [], notCompared: [], leaked: 0, skipped: 0 };
  try {
    const runner = runnerOf(id);
    golden.use(weightsOf(id), precision);
    const before = tf.memory().numTensors;
    const { outputs, extras = [], skipped = 0 } = await runner(golden, { ...entry, regime: precision });
    const leaked = tf.memory().numTensors - before;
    const wanted = Object.entries(entry.tensors).filter(([, tensor]) => tensor.role === 'output');
    const comparisons = wanted.flatMap(([name, tensor]) => {
      const own = outputs[name];
      return own ? [compare(name, own, golden.read(entry, name), tensor)] : [];
    });
    for (const { name, own, stored, tolerance } of extras)
      comparisons.push(compare(name, own, stored, tolerance));
    const notCompared = wanted.map(([name]) => name).filter((name) => !(name in outputs));
    const compared = comparisons.length > 0 || skipped > 0;
    const ok = compared && comparisons.every((c) => c.ok) && notCompared.length === 0 && leaked === 0;
    return { ...blank, verdict: ok ? 'pass' : 'fail', comparisons, notCompared, leaked, skipped };
  } catch (error) {
    return {
      ...blank,
      verdict: 'fail',
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}
