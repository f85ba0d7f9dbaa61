import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { robinFiles, writeFolder } from '../../../test/character-folders.js';
import { type RgbImage, solidImage } from '../../image/index.js';
import type { Character } from '../character.js';
import { readCharacter } from '../read-character.js';
import { averageHash, hashDistance } from './image-hash.js';
import { inspectCharacter, inspectFolder } from './inspect-character.js';

/** One token per word. */
const tokenizer = { encode: (text: string) => text.split(' ').map((_, i) => i) };

/** White left of `edge`, black right of it. */
function halves(size: number, edge: number): RgbImage {
  const image = solidImage(size, size, [0, 0, 0]);
  for (let i = 0; i < size * size; i++) {
    if (i % size < edge) image.data.fill(255, i * 3, i * 3 + 3);
  }
  return image;
}

async function robin(change: Partial<Character> = {}): Promise<Character> {
  return { ...(await readCharacter(await writeFolder(robinFiles()))), ...change };
}

describe('the average hash', () => {
  it('has a 1 where a cell is brighter than the picture', () => {
    const print = averageHash(halves(64, 32));
    expect([...print.slice(0, 16)]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(print.reduce((sum, cell) => sum + cell, 0)).toBe(128);
  });

  it('does not depend on the size of the picture, not even below the grid', () => {
    expect(hashDistance(averageHash(halves(64, 32)), averageHash(halves(200, 100)))).toBe(0);
    expect(hashDistance(averageHash(halves(64, 32)), averageHash(halves(4, 2)))).toBe(0);
  });

  it('counts the cells that differ', () => {
    expect(hashDistance(averageHash(halves(64, 32)), averageHash(halves(64, 40)))).toBe(32);
  });
});

describe('the inspection', () => {
  const decode = async () => halves(64, 32);

  it('finds nothing wrong with a sound character', async () => {
    const report = await inspectCharacter(await robin(), { decode, tokenizer, mix: { dialogue: 3, t2i: 1 } });
    expect(report).toEqual({
      ok: true,
      findings: [],
      tasks: [
        {
          task: 'dialogue',
          weight: 3,
          samples: 2,
          share: 0.75,
          tokens: { min: 20, median: 20, max: 21, total: 41 },
        },
        {
          task: 't2i',
          weight: 1,
          samples: 1,
          share: 0.25,
          tokens: { min: 18, median: 18, max: 18, total: 18 },
        },
      ],
    });
  });

  it('finds pictures that are broken, tiny, the same or nearly the same', async () => {
    const images = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, path: `${id}.png` }));
    const pictures: Record<string, RgbImage> = {
      'a.png': halves(64, 32),
      'b.png': halves(64, 32),
      'c.png': halves(128, 65),
      'd.png': halves(16, 4),
    };
    const character = await robin({ images: [...(await robin()).images, ...images] });
    const report = await inspectCharacter(character, {
      decode: async (path) => {
        const picture = pictures[path];
        if (picture || path.endsWith('0.png')) return picture ?? halves(64, 16);
        throw new Error('damaged at byte 7');
      },
    });
    const messages = report.findings
      .filter((f) => !f.message.startsWith('no scene'))
      .map((f) => [f.severity, f.file, f.message]);
    expect(messages).toEqual([
      ['warning', 'b.png', 'is the same picture as a.png'],
      ['warning', 'c.png', 'looks almost the same as a.png'],
      ['warning', 'd.png', 'is tiny (16 x 16); both sides should have at least 64 pixels'],
      ['warning', 'd.png', `looks almost the same as ${character.images[0]?.path}`],
      ['error', 'e.png', 'cannot be decoded: damaged at byte 7'],
    ]);
    expect(report.ok).toBe(false);
    expect(
      report.findings.filter((f) => f.message === 'no scene, question or instruction uses it'),
    ).toHaveLength(5);
  });

  it('finds empty and repeated texts and says where they are', async () => {
    const base = await robin();
    const origin = { file: 'talk.json', field: '/scenes/9' };
    const character = await robin({
      dialogues: [
        ...base.dialogues,
        { user: ' ', reply: 'Peep', origin },
        { user: 'what is that', reply: 'A red button.', origin },
      ],
      heldOut: {
        ...base.heldOut,
        dialogues: [
          { user: 'What is that?', reply: 'A button', origin },
          { user: 'What is that?', reply: 'New', origin },
        ],
      },
    });
    const report = await inspectCharacter(character, { decode });
    expect(report.findings).toEqual([
      { severity: 'error', ...origin, message: 'the user says nothing' },
      { severity: 'warning', ...origin, message: 'the same dialogue is there twice: "what is that"' },
      { severity: 'warning', ...origin, message: 'a test dialogue is also trained on: "What is that?"' },
      {
        severity: 'info',
        ...origin,
        message: 'what the user says in this test dialogue is also trained on: "What is that?"',
      },
    ]);
  });

  it('tells contradictions from repetitions', async () => {
    const origin = { file: 'facts.json', field: '/qa_items/1' };
    const first = {
      question: 'Hobby?',
      answer: 'Buttons.',
      origin: { file: 'facts.json', field: '/qa_items/0' },
    };
    const knowledge = [
      first,
      { question: 'hobby', answer: 'buttons', origin },
      { question: 'Hobby?', answer: 'Coins.', origin },
    ];
    const vqa = ['0', '1'].map((imageId) => ({
      imageId,
      question: 'Where?',
      answer: `There ${imageId}.`,
      kind: 'objective' as const,
    }));
    const base = await robin();
    const images = [...base.images, { id: '1', path: '1.png' }];
    const report = await inspectCharacter(await robin({ images, knowledge, vqa }), {
      decode: async (path) => halves(64, path === '1.png' ? 8 : 48),
    });
    expect(report.findings).toEqual([
      { severity: 'info', ...origin, message: 'the same question is there twice: "hobby"' },
      {
        severity: 'warning',
        ...origin,
        message: 'two answers to one question (first at /qa_items/0): "Hobby?" - "Buttons." and "Coins."',
      },
    ]);
  });

  it('finds references to pictures that do not exist, once', async () => {
    const origin = { file: 'scenes.json', field: '/scenes/0' };
    const scenes = [{ imageId: '8', user: 'Hi', reply: 'Ho', origin }];
    const report = await inspectCharacter(await robin({ scenes }), { decode });
    expect(report.ok).toBe(false);
    expect(report.findings).toEqual([{ severity: 'error', ...origin, message: 'there is no picture "8"' }]);
  });

  it('finds tasks without data and samples that are too long', async () => {
    const character = await robin({ knowledge: [] });
    const mix = { knowledge_qa: 1, dialogue: 1 };
    const report = await inspectCharacter(character, { decode, mix, tokenizer, maxTokens: 20 });
    expect(report.findings.map((finding) => finding.message)).toEqual([
      'dialogue/0 has 21 text tokens, the limit is 20',
      'nothing to train the task knowledge_qa with, although the mix asks for it',
    ]);
  });

  it('reports a folder that cannot be read as one finding', async () => {
    const folder = await writeFolder({ ...robinFiles(), 'Robin_knowledge_qa.json': '{' });
    expect(await inspectFolder(folder)).toEqual({
      ok: false,
      findings: [
        {
          severity: 'error',
          file: join(folder, 'Robin_knowledge_qa.json'),
          field: 'line 1',
          message:
            'expected valid JSON, found the end of the text; ' +
            'correct the syntax here or just before (a missing comma, quote or bracket)',
        },
      ],
      tasks: [],
    });
  });
});
