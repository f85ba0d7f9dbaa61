import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OPERATOR } from './auth.js';
import type { CharacterShelf, ShelvedCharacter } from './character-shelf.js';
import type { ServedEngine } from './engine/served-engine.js';
import { ApiError } from './errors.js';
import type { GenerationQueue } from './generation-queue.js';
import type { PictureStore } from './picture-store.js';

/** What the routes share. */
export class Serving {
  /** Seconds since 1970 at which the server started; clients see it as the models' date. */
  readonly created = Math.floor(Date.now() / 1000);
  private draining = false;
  /** Answers that are being made or sent. */
  private readonly open = new Set<ServerResponse>();

  constructor(
    readonly shelf: CharacterShelf,
    readonly queue: GenerationQueue,
    readonly pictures: PictureStore,
  ) {}

  /** Lets `work` use a character's engine when its turn comes. @throws as GenerationQueue.run */
  generate<T>(
    reply: FastifyReply,
    character: ShelvedCharacter,
    signal: AbortSignal,
    work: (engine: ServedEngine) => Promise<T>,
  ): Promise<T> {
    this.open.add(reply.raw);
    reply.raw.once('close', () => this.open.delete(reply.raw));
    const place = { client: clientOf(reply.request), model: character.id };
    return this.queue.run(signal, place, async () => work(await this.shelf.engine(character)));
  }

  /** True once the server takes no further requests. */
  get closing(): boolean {
    return this.draining;
  }

  /** Takes no further requests and waits until the answers in the making have been sent, at most for so long. */
  async drain(seconds: number): Promise<void> {
    this.draining = true;
    const late = AbortSignal.timeout(seconds * 1000);
    for (const response of [...this.open]) {
      if (!response.closed) await once(response, 'close', { signal: late }).catch(() => {});
    }
  }
}

/** Who takes turns with others: everybody with a key of their own, else everybody with an address of their own. */
const clientOf = ({ owner, ip }: FastifyRequest): string => (owner === OPERATOR ? ip : owner);

declare module 'fastify' {
  interface FastifyInstance {
    /** Seconds that an answer may take, waiting for its turn included. */
    requestSeconds: number;
  }
}

/** Aborts when the client closes the connection before the answer is out. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client closed the connection'));
  });
  return controller.signal;
}

/**
 * Sends what `work` makes, if it has not sent its answer itself. When the client leaves first, the work was stopped and
 * nobody waits for the answer.
 * @throws ApiError 504 when it takes too long
 */
export async function answerUnlessGone(
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<FastifyReply> {
  const gone = clientSignal(reply);
  const { signal: late, clear } = deadline(reply.server.requestSeconds);
  try {
    const result = await work(AbortSignal.any([gone, late]));
    return reply.sent ? reply : await reply.send(result);
  } catch (error) {
    if (!gone.aborted) throw late.aborted ? late.reason : error;
    reply.log.info('the client left before the answer was finished');
    return reply.hijack();
  } finally {
    clear();
  }
}

function deadline(seconds: number): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(tooLate(seconds)), seconds * 1000);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

const tooLate = (seconds: number): ApiError =>
  new ApiError(
    504,
    'server_error',
    `The answer was not finished within ${seconds} s, waiting for its turn included. Ask for less, or try again later.`,
    { code: 'timeout' },
  );
