import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { checkBearer } from './auth.js';
import { chatCompletions } from './chat-completions.js';
import { ChatBody } from './chat-schema.js';
import type { ServedEngine } from './engine.js';
import { ApiError, sendError, sendNotFound } from './errors.js';
import { GenerationQueue } from './generation-queue.js';

export interface ServerOptions {
  /** Model id that clients see; by default `unicharacter/<name of the character>`. */
  model?: string;
  /** Accepted bearer keys; none means that no key is asked for. */
  apiKeys?: readonly string[];
  /** Requests that may wait while one is worked on. Default 8. */
  queueLimit?: number;
  /** Largest request body in bytes. Default 32 MiB, because clients send pictures as base64. */
  bodyLimit?: number;
  /** Fastify's logger; off by default. */
  logger?: FastifyServerOptions['logger'];
}

const MEBIBYTE = 2 ** 20;

/**
 * The HTTP API of one trained character: `POST /v1/chat/completions`, `GET /v1/models`, `GET /healthz`.
 * Errors always have OpenAI's shape `{error: {message, type, param, code}}`. The server does not own the engine:
 * whoever made it disposes it after `close()`.
 */
export function buildServer(engine: ServedEngine, options: ServerOptions = {}): FastifyInstance {
  const model = options.model ?? modelId(engine.character.name);
  const created = Math.floor(Date.now() / 1000);
  const queue = new GenerationQueue(options.queueLimit ?? 8);
  const apiKeys = options.apiKeys ?? [];

  const app = Fastify({
    logger: options.logger ?? false,
    bodyLimit: options.bodyLimit ?? 32 * MEBIBYTE,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    forceCloseConnections: true,
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setErrorHandler(sendError);
  app.setNotFoundHandler(sendNotFound);
  app.addHook('onRequest', async (request) => {
    if (request.url !== '/healthz') checkBearer(request.headers.authorization, apiKeys);
  });

  const entry = { id: model, object: 'model', created, owned_by: 'unicharacter' };
  app.get('/healthz', async () => ({ status: 'ok', model, queue: queue.length }));
  app.get('/v1/models', async () => ({ object: 'list', data: [entry] }));
  app.get<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const id = request.params['*'];
    if (id === model) return entry;
    throw new ApiError(
      404,
      'not_found_error',
      `The model "${id}" does not exist; this server has "${model}".`,
      {
        param: 'model',
        code: 'model_not_found',
      },
    );
  });
  app.post('/v1/chat/completions', { schema: { body: ChatBody } }, async (request, reply) => {
    await chatCompletions({ engine, model, queue }, request, request.body, reply);
    return reply;
  });
  return app;
}

/** `Mimi Moss` → `unicharacter/mimi-moss`. */
export function modelId(characterName: string): string {
  const slug = characterName
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
  return `unicharacter/${slug || 'character'}`;
}
