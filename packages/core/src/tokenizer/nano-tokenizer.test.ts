import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { loadTokenizer } from './tokenizer.js';
import { trainBpe } from './train-bpe.js';

const folder = fileURLToPath(new URL('../../../../models/nano/', import.meta.url));

/** Text of the kinds the model meets; none of it is in the corpus. */
const HELD_OUT = [
  "Hi there! I just moved into the flat above the bakery, and I wanted to say hello to everyone in the building. Is it always this noisy at five in the morning? I don't really mind, because the whole staircase smells of warm rolls.",
  "Oh, you must be the new neighbour! Welcome! Yes, I'm afraid the ovens start early. You'll get used to it after a week or so. If you ever need sugar, an egg or somebody to complain to, knock on my door. It's the green one with the bicycle in front of it.",
  'A tall astronaut is floating above a city made of glass. She carries a bunch of sunflowers, and her helmet reflects the lights of the streets below. The colours are cold, mostly blue and violet, except for the flowers.',
  'Draw a sleepy panda reading a newspaper on a park bench in autumn, with orange leaves falling all around it. Friendly cartoon style, soft shadows.',
  'How many moons does Mars have? It has two, and they are both rather small and shaped a bit like potatoes. Their names mean fear and terror, which seems unfair to the potatoes.',
  "I was thinking about what you said last night. Perhaps you're right and I should apologise to her. I didn't want to hurt anybody; I simply forgot that it was her turn to choose the film.",
].join('\n');

it('fills 2,048 rows and needs at most one token for 2.8 characters of ordinary English', () => {
  const tokenizer = loadTokenizer(folder);
  expect(tokenizer.size).toBe(2048);
  expect(tokenizer.special).toEqual({ pad: 2043, bos: 2044, eos: 2045, soi: 2046, eoi: 2047 });
  const ids = tokenizer.encode(HELD_OUT);
  expect(tokenizer.decode(ids)).toBe(HELD_OUT);
  expect(HELD_OUT.length / ids.length).toBeGreaterThanOrEqual(2.8);
});

it('fits the embedding table of the nano model', () => {
  const config = JSON.parse(readFileSync(join(folder, 'llm_config.json'), 'utf8')) as { vocab_size: number };
  expect(loadTokenizer(folder).size).toBeLessThanOrEqual(config.vocab_size);
});

it('is what training on the corpus gives', () => {
  const corpus = ['prose.txt', 'generated.txt'].map((name) =>
    readFileSync(join(folder, 'corpus', name), 'utf8'),
  );
  const stored: unknown = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8'));
  expect(trainBpe(corpus.join('\n'), 2048)).toEqual(stored);
});

it('is the same tokenizer in all its files', async () => {
  const parts = mkdtempSync(join(tmpdir(), 'nano-tokenizer-'));
  for (const name of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) {
    await copyFile(join(folder, name), join(parts, name));
  }
  const fromParts = loadTokenizer(parts);
  rmSync(parts, { recursive: true });
  const tokenizer = loadTokenizer(folder);
  expect(fromParts.special).toEqual(tokenizer.special);
  const text = `${HELD_OUT} 狐 🦊 <|im_end|>`;
  for (const controlTokens of ['neutralise', 'keep'] as const) {
    expect(fromParts.encode(text, { controlTokens })).toEqual(tokenizer.encode(text, { controlTokens }));
  }
});
