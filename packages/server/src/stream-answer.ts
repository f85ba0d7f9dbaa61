import type { FastifyReply } from 'fastify';
import { toApiError } from './errors.js';
import { EventStream } from './sse.js';

/**
 * Streams what `work` sends, then `[DONE]`; a failure is told inside the stream, without it.
 * @throws the signal's reason when the client leaves
 */
export async function streamAnswer(
  reply: FastifyReply,
  signal: AbortSignal,
  work: (stream: EventStream) => Promise<void>,
): Promise<void> {
  reply.hijack();
  const stream = new EventStream(reply.raw);
  try {
    await work(stream);
    stream.done();
  } catch (error) {
    if (reply.raw.destroyed) throw error;
    const cause: unknown = signal.aborted ? signal.reason : error;
    reply.log.error(cause);
    stream.send(toApiError(cause).body());
    stream.end();
  }
}
