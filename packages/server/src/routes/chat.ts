import { randomUUID } from 'node:crypto';
import type { SpokenToken } from '@unicharacter/core';
import type { FastifyRequest } from 'fastify';
import {
  type Answer,
  answer,
  type ChatRequest,
  type Progress,
  readChatRequest,
  SILENT,
  usage,
} from '../answer.js';
import { answers, orStream } from '../answers/answers.js';
import { ChatChunk, ChatCompletion } from '../answers/chat-answers.js';
import { ChatBody } from '../chat-schema.js';
import type { ServedEngine } from '../engine/served-engine.js';
import { deliver } from '../image-delivery.js';
import { answerUnlessGone, type Serving } from '../serving.js';
import { chatLogprobs } from '../spoken-tokens.js';
import type { EventStream } from '../sse.js';
import { streamAnswer } from '../stream-answer.js';
import type { App } from './app.js';

/** Milliseconds between two `: ping` comments while a picture is drawn. */
const PING_INTERVAL = 5_000;

/** `POST /v1/chat/completions`, streamed or whole. */
export function chatRoutes(app: App, serving: Serving): void {
  app.post(
    '/v1/chat/completions',
    {
      schema: {
        tags: ['chat'],
        summary: 'Talk to a character',
        body: ChatBody,
        response: answers(orStream('The answer', ChatCompletion, ChatChunk), 404, 504),
      },
    },
    async (request, reply) => {
      const { body } = request;
      const character = serving.shelf.find(body.model);
      const chat = await readChatRequest(body);
      const head = {
        id: `chatcmpl-${randomUUID()}`,
        created: Math.floor(Date.now() / 1000),
        model: character.id,
      };
      const exchange: Exchange = { serving, chat, head, request };
      const includeUsage = body.stream_options?.include_usage ?? false;
      return answerUnlessGone(reply, (signal) =>
        serving.generate(
          reply,
          character,
          signal,
          async (engine): Promise<unknown> =>
            body.stream
              ? streamAnswer(reply, signal, (stream) =>
                  streamAnswers(engine, exchange, includeUsage, signal, stream),
                )
              : completion(engine, exchange, signal),
        ),
      );
    },
  );
}

interface Exchange {
  readonly serving: Serving;
  readonly chat: ChatRequest;
  readonly head: { readonly id: string; readonly created: number; readonly model: string };
  readonly request: FastifyRequest;
}

async function streamAnswers(
  engine: ServedEngine,
  exchange: Exchange,
  includeUsage: boolean,
  signal: AbortSignal,
  stream: EventStream,
): Promise<void> {
  const { chat, head } = exchange;
  const total: Usage = { promptTokens: 0, completionTokens: 0 };
  const send = (fields: object): void =>
    stream.send({
      ...head,
      object: 'chat.completion.chunk',
      ...(includeUsage ? { usage: null } : {}),
      ...fields,
    });
  for (let index = 0; index < chat.answers; index++) {
    const result = await streamOne(engine, exchange, index, signal, stream, send);
    total.promptTokens = result.promptTokens;
    total.completionTokens += result.completionTokens;
  }
  if (includeUsage) send({ choices: [], usage: usage(total) });
}

async function streamOne(
  engine: ServedEngine,
  { serving, chat, request }: Exchange,
  index: number,
  signal: AbortSignal,
  stream: EventStream,
  send: (fields: object) => void,
): Promise<Answer> {
  const chunk = (delta: object, finish: Answer['finish'] | null = null, probabilities: object = {}): void =>
    send({ choices: [{ index, delta, finish_reason: finish, ...probabilities }] });
  chunk({ role: 'assistant', content: '' });
  let lastPing = performance.now();
  const onDraw = (): void => {
    if (performance.now() - lastPing < PING_INTERVAL) return;
    lastPing = performance.now();
    stream.ping();
  };
  const onText: Progress['onText'] = (content, tokens) => chunk({ content }, null, logprobsOf(chat, tokens));
  const progress = { onText, onDraw };
  const result = await answer(engine, { ...chat, seed: chat.seed + index }, progress, signal);
  const { images, markdown } = await deliver(serving.pictures, result.image, chat.delivery, request);
  if (markdown) chunk({ content: result.text === '' ? markdown : `\n\n${markdown}` });
  if (images) chunk({ images });
  chunk({}, result.finish);
  return result;
}

async function completion(
  engine: ServedEngine,
  { serving, chat, head, request }: Exchange,
  signal: AbortSignal,
): Promise<object> {
  const choices: object[] = [];
  const total: Usage = { promptTokens: 0, completionTokens: 0 };
  for (let index = 0; index < chat.answers; index++) {
    const result = await answer(engine, { ...chat, seed: chat.seed + index }, SILENT, signal);
    const { images, markdown } = await deliver(serving.pictures, result.image, chat.delivery, request);
    const content = [result.text, markdown].filter((part) => part).join('\n\n');
    choices.push({
      index,
      message: { role: 'assistant', content, ...(images ? { images } : {}) },
      finish_reason: result.finish,
      logprobs: null,
      ...logprobsOf(chat, result.tokens),
    });
    total.promptTokens = result.promptTokens;
    total.completionTokens += result.completionTokens;
  }
  return { ...head, object: 'chat.completion', choices, usage: usage(total) };
}

const logprobsOf = ({ logprobs }: ChatRequest, tokens: readonly SpokenToken[]) =>
  logprobs === undefined ? {} : { logprobs: chatLogprobs(tokens) };

interface Usage {
  promptTokens: number;
  completionTokens: number;
}
