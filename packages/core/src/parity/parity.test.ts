import { selectBackend } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findGoldenTiny } from '../../test/shared-folder.js';
import { Golden } from './golden.js';
import { runnerOf } from './registry.js';
import { runCase } from './run-case.js';

const dir = findGoldenTiny();
const golden = dir === undefined ? null : new Golden(dir);
const supported = golden?.manifest.cases.filter((entry) => runnerOf(entry.id)) ?? [];

describe.skipIf(golden === null)('reference numbers of the tiny model', () => {
  beforeAll(() => selectBackend('cpu'));
  afterAll(() => golden?.close());

  it.each(supported.map((entry) => [entry.id, entry] as const))('%s', async (_, entry) => {
    const report = await runCase(golden as Golden, entry);
    const failed = report.comparisons
      .filter((c) => !c.ok)
      .map(({ name, maxAbs, tolerance }) => ({ name, maxAbs, tolerance }));
    expect({ ...report, comparisons: failed }).toMatchObject({
      verdict: 'pass',
      comparisons: [],
      notCompared: [],
      leaked: 0,
    });
  });
});
