import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toyscapeCharacter, writeToyCharacter } from '../src/data/index.js';
import { loadJudges } from '../src/evaluate/index.js';
import { readStudy, runStudy, type Study, writeStudy } from '../src/study/index.js';
import { tinyOptions, tinyWorld } from './train/tiny-run.js';

let world: ReturnType<typeof tinyWorld>;
let study: Study;

beforeAll(async () => {
  world = tinyWorld();
  for (const index of [0, 1]) await writeToyCharacter(world.root, toyscapeCharacter(index), 32);
  const { data: _, out: __, ...common } = tinyOptions(world.base, '');
  const set = { ...common, 'sft.steps': 2, 'vae.steps': 2 };
  const file = join(world.root, 'study.yaml');
  const characters = ['Alma', 'Bruno'].map((name) => join(world.root, 'data/personalized_data/train', name));
  const text = {
    out: join(world.root, 'study'),
    characters,
    variants: [
      { name: 'sft', set },
      {
        name: 'sft+text-grpo',
        from: 'sft',
        set: {
          ...set,
          stage: 'text-grpo',
          'textGrpo.epochs': 1,
          'textGrpo.promptsPerEpoch': 1,
          'textGrpo.groupSize': 4,
          'textGrpo.updates': 1,
          'textGrpo.rewards.length': 1,
        },
      },
    ],
    evaluation: { metrics: ['knowledge', 'replies'], limit: 1 },
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(text));
  study = await readStudy(file);
}, 60_000);
afterAll(() => rmSync(world.root, { recursive: true, force: true }));

describe('a study', () => {
  it('trains and evaluates every variant for every character once, and tells them apart in one table', async () => {
    const judges = await loadJudges({});
    const order: string[] = [];
    const results = await runStudy(study, judges, {
      onRun: (variant, who) => order.push(`${who} ${variant}`),
    });
    expect(order).toEqual(['Alma sft', 'Alma sft+text-grpo', 'Bruno sft', 'Bruno sft+text-grpo']);
    expect(results.map(({ evaluations }) => evaluations.map(({ character }) => character))).toEqual([
      ['Alma', 'Bruno'],
      ['Alma', 'Bruno'],
    ]);
    const [first] = results[0]!.evaluations;
    expect(results[1]!.evaluations[0]!.model).not.toBe(first!.model);

    const steps: string[] = [];
    const again = await runStudy(study, judges, {
      onTrain: (event) => steps.push(event.type),
      onTask: ({ reused }) => steps.push(reused ? 'kept' : 'asked'),
    });
    expect([...new Set(steps)]).toEqual(['kept']);
    expect(again).toEqual(results);

    const table = readFileSync(writeStudy(results, study.out), 'utf8');
    expect(table).toContain('| measure | sft | sft+text-grpo | real |');
    expect(table).toMatch(/\| Style markers \| \d\.\d{3} \(\d\.\d{3} – \d\.\d{3}\) \| .* \| 1\.000 \|/);
    expect(existsSync(join(study.out, 'reports/sft/report.html'))).toBe(true);
  }, 120_000);

  it.each([
    [{ variants: [{ name: 'a' }, { name: 'a' }] }, '/variants/1/name: expected a name of its own'],
    [{ variants: [{ name: 'a', from: 'b' }] }, '/variants/0/from: expected the name of an earlier variant'],
    [
      {
        variants: [
          { name: 'a', promptOnly: true },
          { name: 'b', from: 'a' },
        ],
      },
      '/variants/1/from: expected the name of an earlier variant that is trained, found "a"',
    ],
    [{ variants: [] }, '/variants'],
  ])('names what is wrong with %j', async (change, message) => {
    const file = join(world.root, 'wrong.yaml');
    writeFileSync(file, JSON.stringify({ out: 'x', characters: ['y'], ...change }));
    await expect(readStudy(file)).rejects.toThrow(message);
  });
});
