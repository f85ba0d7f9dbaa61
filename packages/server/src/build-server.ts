import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyServerOptions } from 'fastify';
import { describeAnswers } from './answers/answers.js';
import { requireKey } from './auth.js';
import { CharacterFiles } from './cards/character-files.js';
import { CharacterShelf, type ServedCharacter } from './character-shelf.js';
import type { EngineProcess } from './engine/engine-process.js';
import { ApiError, sendError, sendNotFound } from './errors.js';
import { GenerationQueue } from './generation-queue.js';
import { RATE_HEADERS } from './key-limits.js';
import { acceptMultipart, describeForms } from './multipart.js';
import { PictureStore } from './picture-store.js';
import { a1111Routes } from './routes/a1111.js';
import type { App } from './routes/app.js';
import { characterRoutes } from './routes/characters.js';
import { chatRoutes } from './routes/chat.js';
import { completionRoutes } from './routes/completions.js';
import { conversationRoutes } from './routes/conversations.js';
import { fileContentRoutes } from './routes/file-content.js';
import { fineTuningRoutes } from './routes/fine-tuning.js';
import { fineTuningEventRoutes } from './routes/fine-tuning-events.js';
import { healthRoutes } from './routes/health.js';
import { imageRoutes } from './routes/images.js';
import { importedCharacterRoutes } from './routes/imported-characters.js';
import { modelRoutes } from './routes/models.js';
import { trainingFileRoutes } from './routes/training-files.js';
import { Serving } from './serving.js';
import type { State } from './state/state.js';
import { makeTraining } from './training/training.js';
import type { TrainingOptions } from './training/training-options.js';
import { webPage } from './web-page.js';

export interface ServerOptions {
  /** Folder in which drawn pictures are kept. */
  pictures: string;
  /** Where conversations and keys are kept; without it their addresses do not exist. The caller closes it. */
  state?: State;
  /** Folder of uploaded characters; without it, or without `state`, none are taken. */
  uploads?: string;
  /** The process that the characters are opened in; it is started and closed with the server. */
  engine?: EngineProcess;
  /** How characters are trained; without it, or without `state` and `uploads`, none are. */
  training?: TrainingOptions;
  /** Bearer keys without limits, beside those in `state`. While there are none of either kind, no key is asked for. */
  apiKeys?: readonly string[];
  /** Requests to one character that are worked on together. Default 16. */
  concurrency?: number;
  /** Further requests that may wait. Default 64. */
  queueLimit?: number;
  /** Seconds that an answer may take, waiting for its turn included. Default 600. */
  requestSeconds?: number;
  /** Seconds that answers in the making get to be finished when the server is closed. Default 30. */
  drainSeconds?: number;
  /** Largest request body in bytes. Default 32 MiB, because clients send pictures as base64. */
  bodyLimit?: number;
  /** Origins of web pages on other hosts that may call the API; none by default. */
  allowedOrigins?: readonly string[];
  /** Fastify's logger; off by default. */
  logger?: FastifyServerOptions['logger'];
}

const MEBIBYTE = 2 ** 20;

/**
 * The HTTP API of trained characters and the web page: OpenAI's addresses, AUTOMATIC1111's for image extensions,
 * `/openapi.json`, `/docs`. Errors always have OpenAI's shape `{error: {message, type, param, code}}`. Closing the server
 * frees the weights that it loaded.
 */
export async function buildServer(
  characters: readonly ServedCharacter[],
  options: ServerOptions,
): Promise<App> {
  if (characters.length === 0 && !options.training) {
    throw new Error('a server that does not train needs at least one character, found none');
  }
  const shelf = new CharacterShelf(characters);
  const queue = new GenerationQueue({
    waiting: options.queueLimit ?? 64,
    running: options.concurrency ?? 16,
  });
  const serving = new Serving(shelf, queue, new PictureStore(options.pictures));
  const apiKeys = options.apiKeys ?? [];

  const app: App = Fastify({
    logger: options.logger ?? false,
    bodyLimit: options.bodyLimit ?? 32 * MEBIBYTE,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
    forceCloseConnections: true,
    // Errors before a route is found, such as an address that cannot be decoded.
    frameworkErrors: sendError,
    return503OnClosing: false,
  }).withTypeProvider<TypeBoxTypeProvider>();
  describeAnswers(app);
  app.decorate('requestSeconds', options.requestSeconds ?? 600);
  drainBeforeClose(app, serving, options.drainSeconds ?? 30);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler(sendNotFound);
  app.addHook('onReady', async () => options.engine?.start());
  app.addHook('onClose', async () => {
    await shelf.close();
    await options.engine?.close();
  });

  await app.register(cors, {
    origin: [...(options.allowedOrigins ?? [])],
    exposedHeaders: ['retry-after', ...RATE_HEADERS],
  });
  await app.register(helmet, {
    contentSecurityPolicy: { directives: PAGE_POLICY },
    strictTransportSecurity: false,
  });
  requireKey(app, apiKeys, options.state?.keys);
  await app.register(swagger, {
    transform: describeForms,
    refResolver: { buildLocalReference: ({ $id }, _, __, index) => String($id ?? `schema-${index}`) },
    openapi: {
      openapi: '3.1.0',
      info: { title: 'UniCharacter', version: '0.1.0', description: 'Characters that talk and draw.' },
      ...(apiKeys.length > 0 && {
        components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
        security: [{ key: [] }],
      }),
    },
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());

  for (const routes of [
    modelRoutes,
    chatRoutes,
    completionRoutes,
    imageRoutes,
    characterRoutes,
    a1111Routes,
  ]) {
    routes(app, serving);
  }
  healthRoutes(app, serving, options.engine);
  if (options.state) conversationRoutes(app, serving, options.state.conversations);
  if (options.state && options.uploads !== undefined) {
    await acceptMultipart(app);
    const files = new CharacterFiles(options.uploads);
    importedCharacterRoutes(app, options.state, files);
    if (options.training) train(app, serving, options.state, files, options.training);
    fileContentRoutes(app, serving, { trainingFiles: options.state.trainingFiles, files });
  } else fileContentRoutes(app, serving, undefined);
  await webPage(app);
  return app;
}

/** A server that is closed takes no further request, and finishes those that it has begun. */
function drainBeforeClose(app: App, serving: Serving, seconds: number): void {
  app.addHook('onRequest', async ({ url }) => {
    if (serving.closing && !/^\/(healthz|readyz|metrics)/.test(url)) throw closingError();
  });
  app.addHook('preClose', async () => serving.drain(seconds));
}

const closingError = (): ApiError =>
  new ApiError(503, 'server_error', 'The server is closing. Send the request again to the next one.', {
    code: 'server_closing',
    retryAfter: 5,
  });

/** The addresses of training, and the worker that trains from when the server is ready until it is closed. */
function train(
  app: App,
  serving: Serving,
  state: State,
  files: CharacterFiles,
  options: TrainingOptions,
): void {
  const onError = (error: unknown): void => app.log.error(error);
  const training = makeTraining(serving, state, files, options, onError);
  trainingFileRoutes(app, state, files);
  fineTuningRoutes(app, training);
  fineTuningEventRoutes(app, training);
  app.addHook('onReady', async () => training.worker.start(state.exclusive));
  app.addHook('onClose', async () => {
    training.planner.close();
    await training.worker.close();
  });
}

/** The page loads nothing from elsewhere; pictures come as data and blob addresses too. */
const PAGE_POLICY = {
  defaultSrc: ["'self'"],
  imgSrc: ["'self'", 'data:', 'blob:'],
  styleSrc: ["'self'", "'unsafe-inline'"],
  upgradeInsecureRequests: null,
};
