import { profileText } from '../data/prompt-templates.js';
import type { CharacterEngine } from '../run/character-engine.js';
import type { EvaluatedEngine } from './tasks/run-tasks.js';

/**
 * The prompt-only baseline: a model that was not trained on the character reads its profile before every question and
 * every description of a picture. Replies and their pictures have it in their prompts anyway.
 */
export function promptedEngine(engine: CharacterEngine): EvaluatedEngine {
  const { description } = engine.character;
  return {
    reply: (request) => engine.reply(request),
    illustrate: (request) => engine.illustrate(request),
    ask: (request) => engine.ask(request),
    answer: (request) => engine.answer({ ...request, context: profileText(description) }),
    imagine: ({ prompt, ...request }) =>
      engine.imagine({ ...request, prompt: `${profileText(description)}\n\n${prompt}` }),
  };
}
