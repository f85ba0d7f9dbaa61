import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toyscapeCharacter, writeToyCharacter } from '../src/data/index.js';
import { planStudy, readStudy, type Study } from '../src/study/index.js';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(repository, 'examples/studies');

let root: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'studies-'));
  await writeToyCharacter(join(root, 'data/toyscape'), toyscapeCharacter(0), 32);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The study of an example for its first character only, with paths from the repository. */
async function example(name: string): Promise<Study> {
  const { out, characters, config, variants, ...rest } = await readStudy(join(folder, name));
  const inRepository = (path: unknown) => join(repository, String(path));
  return {
    ...rest,
    out: join(root, out),
    characters: characters.slice(0, 1).map((data) => join(root, data)),
    config: inRepository(config),
    variants: variants.map(({ set, ...variant }) => ({
      ...variant,
      set: { ...set, base: inRepository('models/nano-toy') },
    })),
  };
}

describe('the studies that come with the project', () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.yaml')))('%s can be planned', async (name) => {
    const study = await example(name);
    const rows = await planStudy(study);
    expect(rows.map(({ variant }) => variant)).toEqual(study.variants.map(({ name: own }) => own));
    for (const [i, { stages, tasks, character }] of rows.entries()) {
      const { promptOnly, from } = study.variants[i]!;
      const expected = promptOnly ? [] : from === undefined ? ['sft'] : ['grpo'];
      expect(stages.map(({ stage }) => stage)).toEqual(expected);
      expect(character).toBe('Alma');
      expect(tasks).toBeGreaterThan(100);
    }
  });

  it('train on as many pictures as they say', async () => {
    const rows = await planStudy(await example('pictures.yaml'));
    expect(rows.map(({ pictures }) => pictures)).toEqual([1, 3, 5, 10]);
  });

  it('names an option that does not exist', async () => {
    const study = await example('pictures.yaml');
    const wrong = {
      ...study,
      variants: [{ name: 'x', set: { ...study.variants[0]!.set, 'image.least': 1 } }],
    };
    await expect(planStudy(wrong)).rejects.toThrow('image.least');
  });
});
