import type { FastifyReply } from 'fastify';
import type { CharacterShelf, ShelvedCharacter } from './character-shelf.js';
import type { ServedEngine } from './engine/served-engine.js';
import type { GenerationQueue } from './generation-queue.js';
import type { PictureStore } from './picture-store.js';

/** What the routes share. */
export class Serving {
  /** Seconds since 1970 at which the server started; clients see it as the models' date. */
  readonly created = Math.floor(Date.now() / 1000);

  constructor(
    readonly shelf: CharacterShelf,
    readonly queue: GenerationQueue,
    readonly pictures: PictureStore,
  ) {}

  /** Lets `work` use a character's engine when its turn comes. @throws as GenerationQueue.run */
  generate<T>(
    character: ShelvedCharacter,
    signal: AbortSignal,
    work: (engine: ServedEngine) => Promise<T>,
  ): Promise<T> {
    return this.queue.run(signal, character.id, async () => work(await this.shelf.engine(character)));
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
 */
export async function answerUnlessGone(
  reply: FastifyReply,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<FastifyReply> {
  const signal = clientSignal(reply);
  try {
    const result = await work(signal);
    return reply.sent ? reply : await reply.send(result);
  } catch (error) {
    if (!signal.aborted) throw error;
    reply.log.info('the client left before the answer was finished');
    return reply.hijack();
  }
}
