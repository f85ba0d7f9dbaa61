import { fileURLToPath } from 'node:url';
import { selectBackend, setStrict } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findGoldenTiny } from '../../test/shared-folder.js';
import { type CaseEntry, Golden } from './golden.js';
import { runCase } from './run-case.js';

const dir = findGoldenTiny();
const golden = dir === undefined ? null : new Golden(dir);
const cases = golden?.manifest.cases ?? [];

/** The composed ops are slow; these cases touch all of them. */
const ON_CPU = [
  'vit',
  'vae_decode_odd',
  'text_vqa',
  't2i_no_text_cfg',
  'train_pack',
  'grpo_rollout_0',
  'grpo_kl',
];

describe.skipIf(golden === null)('reference numbers of the tiny model, fused kernels', () => {
  beforeAll(() => {
    selectBackend('native');
    setStrict(true);
  });
  afterAll(() => {
    golden?.close();
    setStrict(false);
  });

  it.each(cases.map((entry) => [entry.id, entry] as const))('%s', (_, entry) => expectPass(entry));
});

describe.skipIf(golden === null)('reference numbers of the tiny model, composed ops', () => {
  const composed = dir === undefined ? null : new Golden(dir);
  beforeAll(() => selectBackend('cpu'));
  afterAll(() => composed?.close());

  it.each(ON_CPU)('%s', async (id) => {
    await expectPass((composed as Golden).entry(id), composed as Golden);
  });
});

/** A reference program of the project's own, in float64: test/parity/reference.py. */
describe.each(['native', 'cpu'] as const)('own reference numbers on %s', (backend) => {
  const own = new Golden(fileURLToPath(new URL('../../test/parity/own', import.meta.url)));
  beforeAll(() => {
    selectBackend(backend);
    setStrict(backend === 'native');
  });
  afterAll(() => {
    own.close();
    setStrict(false);
  });

  it.each(own.manifest.cases.map((entry) => [entry.id, entry] as const))('%s', (_, entry) =>
    expectPass(entry, own),
  );
});

async function expectPass(entry: CaseEntry, numbers = golden as Golden): Promise<void> {
  const report = await runCase(numbers, entry);
  const failed = report.comparisons
    .filter((c) => !c.ok)
    .map(({ name, maxAbs, tolerance }) => ({ name, maxAbs, tolerance }));
  expect({ ...report, comparisons: failed }).toMatchObject({
    verdict: 'pass',
    comparisons: [],
    notCompared: [],
    leaked: 0,
  });
}
