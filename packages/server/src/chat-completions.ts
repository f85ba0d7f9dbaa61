import { randomUUID } from 'node:crypto';
import { encodePng, type RgbImage } from '@unicharacter/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, answer, type ChatRequest, readChatRequest } from './answer.js';
import type { ChatBody } from './chat-schema.js';
import type { ServedEngine } from './engine.js';
import { ApiError, toApiError } from './errors.js';
import type { GenerationQueue } from './generation-queue.js';
import { EventStream } from './sse.js';

interface Served {
  engine: ServedEngine;
  model: string;
  queue: GenerationQueue;
}

/** Milliseconds between two `: ping` comments while a picture is drawn. */
const PING_INTERVAL = 5_000;

/** `POST /v1/chat/completions`, streamed or whole. */
export async function chatCompletions(
  served: Served,
  request: FastifyRequest,
  body: ChatBody,
  reply: FastifyReply,
): Promise<void> {
  if (body.model !== undefined && body.model !== '' && body.model !== served.model) {
    throw new ApiError(
      404,
      'not_found_error',
      `The model "${body.model}" does not exist; this server has "${served.model}".`,
      {
        param: 'model',
        code: 'model_not_found',
      },
    );
  }
  const chat = await readChatRequest(body);
  const signal = clientSignal(reply);
  const id = `chatcmpl-${randomUUID()}`;
  const head = { id, created: Math.floor(Date.now() / 1000), model: served.model };
  try {
    if (body.stream) {
      await served.queue.run(signal, () =>
        streamAnswer(
          served.engine,
          chat,
          head,
          body.stream_options?.include_usage ?? false,
          signal,
          request,
          reply,
        ),
      );
    } else {
      const result = await served.queue.run(signal, () =>
        answer(served.engine, chat, { onText: () => {}, onDraw: () => {} }, signal),
      );
      await reply.send(await completion(head, result));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    request.log.info('the client left before the answer was finished');
    reply.hijack();
  }
}

interface Head {
  id: string;
  created: number;
  model: string;
}

async function streamAnswer(
  engine: ServedEngine,
  chat: ChatRequest,
  head: Head,
  includeUsage: boolean,
  signal: AbortSignal,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  reply.hijack();
  const stream = new EventStream(reply.raw);
  const chunk = (delta: object, finish: Answer['finish'] | null = null): void =>
    stream.send({
      ...head,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason: finish }],
      ...(includeUsage ? { usage: null } : {}),
    });
  chunk({ role: 'assistant', content: '' });
  let lastPing = performance.now();
  const onDraw = (): void => {
    if (performance.now() - lastPing < PING_INTERVAL) return;
    lastPing = performance.now();
    stream.ping();
  };
  try {
    const result = await answer(engine, chat, { onText: (content) => chunk({ content }), onDraw }, signal);
    if (result.image) chunk({ images: [await imagePart(result.image)] });
    chunk({}, result.finish);
    if (includeUsage)
      stream.send({ ...head, object: 'chat.completion.chunk', choices: [], usage: usage(result) });
    stream.done();
  } catch (error) {
    if (signal.aborted) throw error;
    request.log.error(error);
    stream.send(toApiError(error).body());
    stream.end();
  }
}

async function completion(head: Head, result: Answer): Promise<object> {
  const images = result.image ? { images: [await imagePart(result.image)] } : {};
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: result.text, ...images },
        finish_reason: result.finish,
        logprobs: null,
      },
    ],
    usage: usage(result),
  };
}

async function imagePart(image: RgbImage): Promise<object> {
  const png = await encodePng(image, { Software: 'UniCharacter', Comment: 'Drawn by a generative model.' });
  return { type: 'image_url', image_url: { url: `data:image/png;base64,${png.toString('base64')}` } };
}

const usage = ({ promptTokens, completionTokens }: Answer): object => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
});

/** Aborts when the client closes the connection before the answer is out. */
function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client closed the connection'));
  });
  return controller.signal;
}
