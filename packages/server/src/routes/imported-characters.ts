import { Type } from '@fastify/type-provider-typebox';
import { answers, deleted, listing, media } from '../answers/answers.js';
import { CharacterUpload } from '../answers/character-answers.js';
import { type CharacterFiles, EXPORTS, type ExportFormat, newId } from '../cards/character-files.js';
import { formUpload } from '../cards/character-form.js';
import type { DataReport } from '../cards/data-report.js';
import { type ReadUpload, readUpload } from '../cards/read-upload.js';
import { ApiError, invalidRequest } from '../errors.js';
import { FormFile, onlyFile, readMultipart, type Upload } from '../multipart.js';
import type { Characters, StoredCharacter } from '../state/characters.js';
import type { FineTuningJobs } from '../state/fine-tuning-jobs.js';
import type { App } from './app.js';
import { seconds } from './listing.js';

const Params = Type.Object({ id: Type.String({ pattern: '^char_[0-9a-f]{24}$' }) });
const tags = ['characters'];
const MAX_NOTE = 4000;

/** What a form states about where its files come from. */
export const originFields = {
  consent: Type.Optional(Type.Literal('true')),
  provenance: Type.Optional(Type.String({ maxLength: MAX_NOTE })),
};
const CharacterForm = Type.Object({
  file: Type.Optional(FormFile),
  /** JSON. */
  profile: Type.Optional(Type.String()),
  'images[]': Type.Optional(Type.Array(FormFile)),
  ...originFields,
  consent: Type.Literal('true'),
});

/** `/v1/characters`: upload of cards and character folders, characters made by form, and their export. */
export function importedCharacterRoutes(
  app: App,
  { characters, jobs }: { characters: Characters; jobs: FineTuningJobs },
  files: CharacterFiles,
): void {
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
          'multipart/form-data: either `file` (a card as PNG, JSON or CHARX, or a ZIP of a character folder), or `profile` (JSON ' +
          'with name, description, opening, captions, dialogues …) and pictures as `images[]`; and `consent` ("true": the ' +
          'depicted person agrees, or nobody real is depicted), `provenance` (where it comes from).',
        consumes: ['multipart/form-data'],
        response: answers(CharacterUpload),
      },
      config: { form: CharacterForm },
    },
    async (request) => {
      const sent = await readMultipart(request);
      const provenance = provenanceOf(sent.fields);
      requireConsent(sent.fields);
      const [upload, original] = await uploadOf(sent);
      const { report, ...imported } = await files.store(newId('char_'), upload, original);
      try {
        return describe(await characters.add({ ...imported, owner: request.owner, provenance }), report);
      } catch (error) {
        files.remove(imported.id);
        throw error;
      }
    },
  );
  app.get(
    '/v1/characters/uploads',
    {
      schema: {
        tags,
        summary: 'Uploaded characters, and what they lack to be trained',
        response: answers(listing(CharacterUpload)),
      },
    },
    async ({ owner }) => {
      const data: object[] = [];
      for (const character of await characters.list(owner)) {
        data.push(describe(character, await files.report(character.id)));
      }
      return { object: 'list', data };
    },
  );
  app.get(
    '/v1/characters/:id',
    {
      schema: {
        tags,
        summary: 'An uploaded character',
        params: Params,
        response: answers(CharacterUpload, 404),
      },
    },
    async ({ owner, params }) => describe(await find(owner, params.id), await files.report(params.id)),
  );
  app.get(
    '/v1/characters/:id/portrait',
    {
      schema: {
        tags,
        summary: 'Its first picture',
        params: Params,
        response: answers(media('The picture', 'image/png'), 404),
      },
    },
    async ({ owner, params }, reply) => {
      const { name } = await find(owner, params.id);
      const png = await files.portrait(params.id);
      if (png) return reply.type('image/png').header('cache-control', 'private, max-age=3600').send(png);
      throw new ApiError(404, 'not_found_error', `${name} has no picture.`, { code: 'no_portrait' });
    },
  );
  app.delete(
    '/v1/characters/:id',
    {
      schema: {
        tags,
        summary: 'Delete an uploaded character',
        params: Params,
        response: answers(deleted('character.deleted'), 404, 409),
      },
    },
    async ({ owner, params: { id } }) => {
      await find(owner, id);
      await refuseWhileNeeded(jobs, id);
      await characters.remove(owner, id);
      files.remove(id);
      return { id, object: 'character.deleted', deleted: true };
    },
  );
  for (const [format, type] of Object.entries(EXPORTS) as [ExportFormat, string][]) {
    app.get(
      `/v1/characters/:id/card.${format}`,
      {
        schema: {
          tags,
          summary: `The card as ${format.toUpperCase()}`,
          params: Params,
          response: answers(media('The card', type), 404),
        },
      },
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

/** What came: a file, or a form with pictures. */
async function uploadOf(sent: Upload): Promise<[ReadUpload, Buffer?]> {
  const profile = sent.fields.get('profile');
  if (profile !== undefined) {
    const images = sent.files.filter(({ field }) => field === 'images[]' || field === 'images');
    return [await formUpload(profile, images)];
  }
  const { content } = onlyFile(sent);
  return [await readUpload(content), content];
}

/** True when the form states consent. */
export const statesConsent = (fields: ReadonlyMap<string, string>): boolean =>
  fields.get('consent') === 'true';

/** @throws ApiError 400 without consent */
function requireConsent(fields: ReadonlyMap<string, string>): void {
  if (statesConsent(fields)) return;
  throw invalidRequest(
    'Expected the field consent=true: the depicted person agrees to this use, or nobody real is depicted.',
    'consent',
    'consent_required',
  );
}

/** @throws ApiError 400 */
export function provenanceOf(fields: ReadonlyMap<string, string>): string {
  const note = fields.get('provenance') ?? '';
  if (note.length <= MAX_NOTE && !note.includes('\0')) return note;
  throw invalidRequest(`Expected a provenance note of at most ${MAX_NOTE} characters.`, 'provenance');
}

/** @throws ApiError 409 */
export async function refuseWhileNeeded(jobs: FineTuningJobs, id: string): Promise<void> {
  if (!(await jobs.needs(id))) return;
  throw new ApiError(
    409,
    'invalid_request_error',
    `A job that is not over trains on ${id}; cancel it first.`,
    {
      param: 'id',
      code: 'in_use',
    },
  );
}

const describe = (
  { id, name, format, provenance, consentedAt }: StoredCharacter,
  { images, tasks, findings, missing, trainable }: DataReport,
) => ({
  id,
  object: 'character.upload',
  name,
  format,
  provenance,
  consented_at: seconds(consentedAt),
  portrait: images > 0 ? `/v1/characters/${id}/portrait` : null,
  images,
  tasks,
  findings,
  missing,
  trainable,
});
