import multipart from '@fastify/multipart';
import type { SwaggerTransform } from '@fastify/swagger';
import { type TSchema, Type } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { ApiError, invalidRequest } from './errors.js';
import type { App } from './routes/app.js';

const MEBIBYTE = 2 ** 20;
/** Largest uploaded file, and all files of a request together. */
const FILE_BYTES = 64 * MEBIBYTE;
const TOTAL_BYTES = 256 * MEBIBYTE;
export const MOST_FILES = 64;

export interface UploadedFile {
  /** Name of the part. */
  readonly field: string;
  /** As the client says it; never used as a path. */
  readonly filename: string;
  readonly content: Buffer;
}

export interface Upload {
  readonly files: readonly UploadedFile[];
  readonly fields: ReadonlyMap<string, string>;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The form that a route reads, for the document: forms are read by the route and not by the schema compiler. */
    form?: TSchema;
  }
}

/** A file in a form. */
export const FormFile = Type.String({ format: 'binary' });

/** Puts the forms of routes into the document. */
export const describeForms: SwaggerTransform = ({ schema, url, route }) => {
  const form = route.config?.form;
  return { schema: form ? { ...schema, body: form } : schema, url };
};

/** Lets routes read `multipart/form-data`: files and a few fields. */
export async function acceptMultipart(app: App): Promise<void> {
  await app.register(multipart, {
    limits: {
      fileSize: FILE_BYTES,
      files: MOST_FILES,
      fields: 16,
      fieldSize: 4 * MEBIBYTE,
      headerPairs: 50,
    },
  });
}

/** @throws ApiError 400, 413 or 415 */
export async function readMultipart(request: FastifyRequest): Promise<Upload> {
  if (!request.isMultipart()) {
    throw new ApiError(415, 'invalid_request_error', 'Expected Content-Type: multipart/form-data.', {
      code: 'unsupported_media_type',
    });
  }
  try {
    return await readParts(request);
  } catch (error) {
    // What the parser cannot make sense of has no status; limits have one.
    if (error instanceof ApiError || (error as { statusCode?: number }).statusCode !== undefined) throw error;
    if (request.raw.destroyed && !request.raw.complete) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw invalidRequest(`The form cannot be read: ${why}.`, undefined, 'invalid_form');
  }
}

async function readParts(request: FastifyRequest): Promise<Upload> {
  const files: UploadedFile[] = [];
  const fields = new Map<string, string>();
  let total = 0;
  for await (const part of request.parts()) {
    if (part.type === 'file') {
      const content = await part.toBuffer();
      total += content.length;
      if (total > TOTAL_BYTES) throw tooLarge();
      files.push({ field: part.fieldname, filename: part.filename, content });
    } else if (typeof part.value === 'string') fields.set(part.fieldname, part.value);
  }
  return { files, fields };
}

/** The part "file". @throws ApiError 400 when there is none */
export function onlyFile({ files }: Upload): UploadedFile {
  const file = files.find(({ field }) => field === 'file');
  if (!file) throw invalidRequest('Expected a part "file" with the file.', 'file');
  return file;
}

const tooLarge = (): ApiError =>
  new ApiError(
    413,
    'invalid_request_error',
    `The files have more than ${TOTAL_BYTES / MEBIBYTE} MiB together. Send smaller pictures.`,
    { code: 'request_too_large' },
  );
