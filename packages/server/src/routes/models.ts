import { answers, listing } from '../answers/answers.js';
import { Model } from '../answers/character-answers.js';
import type { ShelvedCharacter } from '../character-shelf.js';
import type { Serving } from '../serving.js';
import type { App } from './app.js';

/** `GET /v1/models` and `GET /v1/models/{id}`: one model is one character. */
export function modelRoutes(app: App, { shelf, created }: Serving): void {
  const entry = ({ id }: ShelvedCharacter) => ({ id, object: 'model', created, owned_by: 'unicharacter' });
  app.get(
    '/v1/models',
    { schema: { tags: ['models'], summary: 'All characters', response: answers(listing(Model)) } },
    async () => ({ object: 'list', data: shelf.list().map(entry) }),
  );
  app.get<{ Params: { '*': string } }>(
    '/v1/models/*',
    { schema: { tags: ['models'], summary: 'One character', response: answers(Model, 404) } },
    async (request) => entry(shelf.find(request.params['*'])),
  );
}
