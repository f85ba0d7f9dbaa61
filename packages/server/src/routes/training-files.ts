import { Type } from '@fastify/type-provider-typebox';
import { answers, deleted, page } from '../answers/answers.js';
import { TrainingFile as File } from '../answers/character-answers.js';
import { type CharacterFiles, newId } from '../cards/character-files.js';
import type { DataReport } from '../cards/data-report.js';
import { type ReadUpload, readUpload } from '../cards/read-upload.js';
import { ApiError, invalidRequest } from '../errors.js';
import { FormFile, onlyFile, readMultipart } from '../multipart.js';
import type { State } from '../state/state.js';
import type { TrainingFile } from '../state/training-files.js';
import type { App } from './app.js';
import { originFields, provenanceOf, refuseWhileNeeded, statesConsent } from './imported-characters.js';
import { listOf, PageQuery, pageRequest, seconds } from './listing.js';

const tags = ['files'];
const Params = Type.Object({ id: Type.String() });
const Query = Type.Object({ ...PageQuery.properties, purpose: Type.Optional(Type.String()) });

const FileForm = Type.Object({ file: FormFile, purpose: Type.Literal('fine-tune'), ...originFields });

/** Ids of archives; pictures have longer ones. */
export const TRAINING_FILE_ID = /^file-[0-9a-f]{24}$/;

/** `/v1/files`: archives of character folders to train on. */
export function trainingFileRoutes(app: App, { trainingFiles, jobs }: State, files: CharacterFiles): void {
  app.post(
    '/v1/files',
    {
      schema: {
        tags,
        summary: 'Upload a character to train on',
        description:
          'multipart/form-data: `file` (a ZIP of a character folder), `purpose` ("fine-tune"); optional `consent` ("true") and ' +
          '`provenance`, which may also be given with the job.',
        consumes: ['multipart/form-data'],
        response: answers(File),
      },
      config: { form: FileForm },
    },
    async (request) => {
      const sent = await readMultipart(request);
      const { content, filename } = onlyFile(sent);
      requirePurpose(sent.fields.get('purpose'));
      const provenance = provenanceOf(sent.fields);
      const upload = await readArchiveUpload(content);
      const { id, name, sha256, report } = await files.store(newId('file-'), upload, content);
      try {
        refuseErrors(report);
        const row = await trainingFiles.add({
          id,
          owner: request.owner,
          filename: plainName(filename),
          bytes: content.length,
          sha256,
          name,
          provenance,
          consentedAt: statesConsent(sent.fields) ? new Date() : null,
        });
        return describe(row, report);
      } catch (error) {
        files.remove(id);
        throw error;
      }
    },
  );
  app.get(
    '/v1/files',
    {
      schema: { tags, summary: 'Uploaded archives', querystring: Query, response: answers(page(File)) },
    },
    async ({ owner, query }) => {
      const wanted = pageRequest(query, 10_000);
      const any = query.purpose === undefined || query.purpose === 'fine-tune';
      const rows = any ? await trainingFiles.list(owner, wanted) : [];
      const described = rows.map(async (row) => describe(row, await files.report(row.id)));
      return listOf(await Promise.all(described), wanted.limit);
    },
  );
  app.get(
    '/v1/files/:id',
    { schema: { tags, summary: 'An uploaded archive', params: Params, response: answers(File, 404) } },
    async ({ owner, params: { id } }) =>
      describe(await findTrainingFile(trainingFiles, owner, id, 'id'), await files.report(id)),
  );
  app.delete(
    '/v1/files/:id',
    {
      schema: {
        tags,
        summary: 'Delete an uploaded archive',
        params: Params,
        response: answers(deleted('file'), 404, 409),
      },
    },
    async ({ owner, params: { id } }) => {
      await findTrainingFile(trainingFiles, owner, id, 'id');
      await refuseWhileNeeded(jobs, id);
      await trainingFiles.remove(owner, id);
      files.remove(id);
      return { id, object: 'file', deleted: true };
    },
  );
}

/** @throws ApiError 404 */
export async function findTrainingFile(
  trainingFiles: State['trainingFiles'],
  owner: string,
  id: string,
  param: string,
): Promise<TrainingFile> {
  const found = TRAINING_FILE_ID.test(id) ? await trainingFiles.find(owner, id) : undefined;
  if (found) return found;
  throw new ApiError(404, 'not_found_error', `There is no uploaded file "${id.slice(0, 80)}".`, {
    param,
    code: 'file_not_found',
  });
}

async function readArchiveUpload(content: Buffer): Promise<ReadUpload> {
  const upload = await readUpload(content);
  if (upload.format === 'folder' || upload.format === 'charx') return upload;
  throw invalidRequest(
    'Expected a ZIP of a character folder, found a card; upload cards to /v1/characters.',
    'file',
    'invalid_archive',
  );
}

function requirePurpose(purpose: string | undefined): void {
  if (purpose === 'fine-tune') return;
  throw invalidRequest(
    `Expected the field purpose=fine-tune, found ${JSON.stringify(purpose) ?? 'none'}.`,
    'purpose',
  );
}

/** @throws ApiError 400 that names every error of the data */
function refuseErrors({ findings, trainable, missing }: DataReport): void {
  if (trainable) return;
  const errors = findings.filter(({ severity }) => severity === 'error');
  const lines = errors.map(({ file, field, message }) =>
    [file, field, message].filter((part) => part !== '').join(': '),
  );
  const lacks = missing.filter(({ required }) => required).map(({ message }) => message);
  throw invalidRequest(
    `The character cannot be trained:\n${[...lines, ...lacks].join('\n')}`,
    'file',
    'invalid_character',
  );
}

/** The name to show: without folders and control characters. */
const plainName = (filename: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  (filename.split(/[\\/]/).at(-1) ?? '').replace(/[\u0000-\u001f\u007f]/g, '').slice(0, 200) || 'upload.zip';

const describe = (
  { id, filename, bytes, name, provenance, consentedAt, createdAt }: TrainingFile,
  { images, tasks, findings, missing }: DataReport,
) => ({
  id,
  object: 'file',
  bytes,
  created_at: seconds(createdAt),
  filename,
  purpose: 'fine-tune',
  status: 'processed',
  status_details: null,
  expires_at: null,
  character: name,
  provenance,
  consented_at: consentedAt && seconds(consentedAt),
  images,
  tasks,
  findings,
  missing,
});
