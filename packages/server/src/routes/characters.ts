import { readFile } from 'node:fs/promises';
import { answers, listing, media } from '../answers/answers.js';
import { CharacterCard } from '../answers/character-answers.js';
import type { ShelvedCharacter } from '../character-shelf.js';
import { ApiError } from '../errors.js';
import type { Serving } from '../serving.js';
import type { App } from './app.js';

/** `GET /v1/characters` and their portraits: what the gallery shows. */
export function characterRoutes(app: App, { shelf }: Serving): void {
  const card = ({ id, name, description, opening, portrait }: ShelvedCharacter) => ({
    id,
    object: 'character',
    name,
    description,
    opening,
    portrait: portrait === undefined ? null : `/v1/characters/portrait/${id}`,
  });
  app.get(
    '/v1/characters',
    {
      schema: {
        tags: ['characters'],
        summary: 'All characters with their cards',
        response: answers(listing(CharacterCard)),
      },
    },
    async () => ({
      object: 'list',
      data: shelf.list().map(card),
    }),
  );
  app.get<{ Params: { '*': string } }>(
    '/v1/characters/portrait/*',
    {
      schema: {
        tags: ['characters'],
        summary: 'A picture of the character',
        response: answers(media('The picture', 'image/png'), 404),
      },
    },
    async (request, reply) => {
      const { portrait, name } = shelf.find(request.params['*'], 'id');
      const png = portrait === undefined ? undefined : await readFile(portrait).catch(() => undefined);
      if (!png) {
        throw new ApiError(404, 'not_found_error', `${name} has no portrait.`, { code: 'no_portrait' });
      }
      return reply.type('image/png').header('cache-control', 'private, max-age=3600').send(png);
    },
  );
}
