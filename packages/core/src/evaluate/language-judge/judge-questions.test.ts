import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { characterFolder } from '../../../test/train/tiny-run.js';
import { readCharacter } from '../../data/index.js';
import { judgeQuestions } from './judge-questions.js';
import { rubricOf } from './rubric.js';

describe('what a judge is asked', () => {
  it('shows two replies in an order that the seed draws, and never says which is whose', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rubric-'));
    const rubric = await rubricOf(folder);
    rmSync(folder, { recursive: true });
    const character = await readCharacter(characterFolder);
    const finished = Array.from({ length: 20 }, (_, i) => {
      const common = { kind: 'reply', family: 'replies', set: 'dialogue', seed: 1 } as const;
      return {
        task: { ...common, id: `d-${i}`, user: 'Hi!', reference: 'Theirs.' },
        result: { text: 'Ours.' },
      };
    });
    const asked = (seed: number) => judgeQuestions(finished, character, rubric, seed);
    const firsts = (seed: number) => asked(seed).map(({ ownFirst }) => ownFirst);
    for (const { compare, ownFirst } of asked(1)) {
      const order = ownFirst ? ['Ours.', 'Theirs.'] : ['Theirs.', 'Ours.'];
      expect(compare!.text).toContain(`First reply:\n${order[0]}\n\nSecond reply:\n${order[1]}`);
      expect(compare!.text).not.toMatch(/reference|candidate|data's/);
    }
    const own = firsts(1).filter(Boolean).length;
    expect(own).toBeGreaterThan(4);
    expect(own).toBeLessThan(16);
    expect(firsts(1)).toEqual(firsts(1));
    expect(firsts(2)).not.toEqual(firsts(1));
    expect(asked(1)[0]!.own.system).toContain(character.description);
  });
});
