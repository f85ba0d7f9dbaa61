import { Type } from '@fastify/type-provider-typebox';
import { type CharacterFiles, EXPORTS, type ExportFormat } from '../cards/character-files.js';
import { ApiError, invalidRequest } from '../errors.js';
import { readMultipart } from '../multipart.js';
import type { Characters, StoredCharacter } from '../state/characters.js';
import type { App } from './app.js';

const Params = Type.Object({ id: Type.String({ pattern: '^char_[0-9a-f]{24}$' }) });
const tags = ['characters'];
const MAX_NOTE = 4000;

/** `/v1/characters`: upload of cards and character folders, and their export. */
export function importedCharacterRoutes(app: App, characters: Characters, files: CharacterFiles): void {
  const find = async (owner: string, id: string): Promise<StoredCharacter> => {
    const found = await characters.find(owner, id);
    if (found) return found;
    throw new ApiError(404, 'not_found_error', `There is no uploaded character "${id}".`, {
      param: 'id',
      code: 'character_not_found',
    });
  };
  app.post(
    '/v1/characters',
    {
      schema: {
        tags,
        summary: 'Upload a character',
        description:
          'multipart/form-data: `file` (a card as PNG, JSON or CHARX, or a ZIP of a character folder), `consent` ("true": the ' +
          'depicted person agrees, or nobody real is depicted), `provenance` (where it comes from).',
        consumes: ['multipart/form-data'],
      },
    },
    async (request) => {
      const { file, fields } = await readMultipart(request);
      const provenance = noteOf(fields);
      const { findings, ...imported } = await files.import(file);
      try {
        const { owner } = request;
        return { ...describe(await characters.add({ ...imported, owner, provenance })), findings };
      } catch (error) {
        files.remove(imported.id);
        throw error;
      }
    },
  );
  app.get(
    '/v1/characters/:id',
    { schema: { tags, summary: 'An uploaded character', params: Params } },
    async ({ owner, params }) => describe(await find(owner, params.id)),
  );
  app.delete(
    '/v1/characters/:id',
    { schema: { tags, summary: 'Delete an uploaded character', params: Params } },
    async ({ owner, params: { id } }) => {
      await find(owner, id);
      await characters.remove(owner, id);
      files.remove(id);
      return { id, object: 'character.deleted', deleted: true };
    },
  );
  for (const [format, type] of Object.entries(EXPORTS) as [ExportFormat, string][]) {
    app.get(
      `/v1/characters/:id/card.${format}`,
      { schema: { tags, summary: `The card as ${format.toUpperCase()}`, params: Params, produces: [type] } },
      async ({ owner, params }, reply) => {
        const character = await find(owner, params.id);
        const name = `attachment; filename="${character.id}.${format}"`;
        return reply
          .type(type)
          .header('content-disposition', name)
          .send(await files.export(character, format));
      },
    );
  }
}

/** @throws ApiError 400 without consent */
function noteOf(fields: ReadonlyMap<string, string>): string {
  if (fields.get('consent') !== 'true') {
    throw invalidRequest(
      'Expected the field consent=true: the depicted person agrees to this use, or nobody real is depicted.',
      'consent',
      'consent_required',
    );
  }
  const note = fields.get('provenance') ?? '';
  if (note.length <= MAX_NOTE && !note.includes('\0')) return note;
  throw invalidRequest(`Expected a provenance note of at most ${MAX_NOTE} characters.`, 'provenance');
}

export const describe = ({ id, name, format, provenance, consentedAt }: StoredCharacter) => ({
  id,
  object: 'character.upload',
  name,
  format,
  provenance,
  consented_at: Math.floor(consentedAt.getTime() / 1000),
});
