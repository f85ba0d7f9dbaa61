import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findShared } from '../../test/shared-folder.js';
import { useStrictNative } from '../../test/tiny-model.js';
import { RewardGolden } from './cases/rewards/golden.js';
import { runRewardCase } from './cases/rewards/run.js';

const shared = findShared();
const dir = shared === undefined ? undefined : join(shared, 'golden', 'rewards-tiny');
const golden = dir !== undefined && RewardGolden.accepts(dir) ? new RewardGolden(dir) : null;

describe.skipIf(golden === null)('reference numbers of the rewards', () => {
  it.each(golden?.cases.map((entry) => [entry.id, entry] as const) ?? [])('%s', async (_, entry) => {
    useStrictNative();
    const report = await runRewardCase(golden!, entry);
    const comparisons = report.comparisons.filter((comparison) => !comparison.ok);
    expect({ ...report, comparisons }).toMatchObject({
      verdict: 'pass',
      comparisons: [],
      notCompared: [],
      leaked: 0,
    });
  });
});
