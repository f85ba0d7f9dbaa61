import { describe, expect, it } from 'vitest';
import type { CharacterEngine } from '../run/character-engine.js';
import { promptedEngine } from './prompted-engine.js';

describe('the prompt-only baseline', () => {
  it('reads the profile before questions and descriptions, and passes on the rest', async () => {
    const asked: unknown[] = [];
    const told = (request: unknown) => {
      asked.push(request);
      return Promise.resolve({});
    };
    const engine = { character: { description: ' A robin. ' }, answer: told, imagine: told, reply: told };
    const prompted = promptedEngine(engine as unknown as CharacterEngine);
    await prompted.answer({ question: 'Who?', seed: 1 });
    await prompted.imagine({ prompt: 'By the sea.', seed: 2 });
    await prompted.reply({ user: 'Hello.' });
    expect(asked).toEqual([
      { question: 'Who?', seed: 1, context: 'Character Description: A robin.' },
      { prompt: 'Character Description: A robin.\n\nBy the sea.', seed: 2 },
      { user: 'Hello.' },
    ]);
  });
});
