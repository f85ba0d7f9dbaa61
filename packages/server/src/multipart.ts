import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { ApiError, invalidRequest } from './errors.js';
import type { App } from './routes/app.js';

/** Largest uploaded file. */
const FILE_BYTES = 64 * 2 ** 20;

export interface Upload {
  readonly file: Buffer;
  readonly fields: ReadonlyMap<string, string>;
}

/** Lets routes read `multipart/form-data`: one file and a few short fields. */
export async function acceptMultipart(app: App): Promise<void> {
  await app.register(multipart, {
    limits: { fileSize: FILE_BYTES, files: 1, fields: 8, fieldSize: 2 ** 16, headerPairs: 50 },
  });
}

/** @throws ApiError 400 or 413 */
export async function readMultipart(request: FastifyRequest): Promise<Upload> {
  if (!request.isMultipart()) {
    throw new ApiError(415, 'invalid_request_error', 'Expected Content-Type: multipart/form-data.', {
      code: 'unsupported_media_type',
    });
  }
  let file: Buffer | undefined;
  const fields = new Map<string, string>();
  for await (const part of request.parts()) {
    if (part.type === 'file') file = await part.toBuffer();
    else if (typeof part.value === 'string') fields.set(part.fieldname, part.value);
  }
  if (!file) throw invalidRequest('Expected a part "file" with the file.', 'file');
  return { file, fields };
}
