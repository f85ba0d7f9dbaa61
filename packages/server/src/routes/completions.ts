import { randomInt, randomUUID } from 'node:crypto';
import { Type } from '@fastify/type-provider-typebox';
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
import { TextChunk, TextCompletion } from '../answers/chat-answers.js';
import type { ServedEngine } from '../engine/served-engine.js';
import { answerUnlessGone, type Serving } from '../serving.js';
import { textLogprobs } from '../spoken-tokens.js';
import type { EventStream } from '../sse.js';
import { streamAnswer } from '../stream-answer.js';
import type { App } from './app.js';

const CompletionBody = Type.Object({
  model: Type.Optional(Type.String()),
  prompt: Type.String({ minLength: 1, maxLength: 200_000 }),
  stream: Type.Optional(Type.Union([Type.Null(), Type.Boolean()])),
  stream_options: Type.Optional(
    Type.Union([Type.Null(), Type.Object({ include_usage: Type.Optional(Type.Boolean()) })]),
  ),
  seed: Type.Optional(
    Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })]),
  ),
  temperature: Type.Optional(Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: 2 })])),
  max_tokens: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 1 })])),
  /** Tell how likely each token was, and this many of the likeliest in its place. */
  logprobs: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 5 })])),
  stop: Type.Optional(
    Type.Union([Type.Null(), Type.String(), Type.Array(Type.String({ minLength: 1 }), { maxItems: 16 })]),
  ),
});

/** `POST /v1/completions` for old clients: the prompt is what the user says. Streamed or whole. */
export function completionRoutes(app: App, serving: Serving): void {
  app.post(
    '/v1/completions',
    {
      schema: {
        tags: ['chat'],
        summary: 'Talk to a character, in the old form',
        body: CompletionBody,
        response: answers(orStream('The answer', TextCompletion, TextChunk), 404, 504),
      },
    },
    async (request, reply) => {
      const { prompt, logprobs, stream_options: streaming, ...options } = request.body;
      const character = serving.shelf.find(options.model);
      const chat = await readChatRequest({
        ...options,
        ...(logprobs == null ? {} : { logprobs: true, top_logprobs: logprobs }),
        stream: options.stream ?? false,
        seed: options.seed ?? randomInt(2 ** 31),
        messages: [{ role: 'user', content: prompt }],
      });
      const head = {
        id: `cmpl-${randomUUID()}`,
        object: 'text_completion',
        created: Math.floor(Date.now() / 1000),
        model: character.id,
      };
      return answerUnlessGone(reply, (signal) =>
        serving.generate(reply, character, signal, async (engine): Promise<unknown> => {
          if (!options.stream) return { ...head, ...whole(chat, await answer(engine, chat, SILENT, signal)) };
          const includeUsage = streaming?.include_usage ?? false;
          return streamAnswer(reply, signal, (stream) =>
            streamText(engine, chat, head, includeUsage, signal, stream),
          );
        }),
      );
    },
  );
}

const whole = (chat: ChatRequest, result: Answer) => ({
  choices: [
    { index: 0, text: result.text, finish_reason: result.finish, logprobs: told(chat, result.tokens) },
  ],
  usage: usage(result),
});

async function streamText(
  engine: ServedEngine,
  chat: ChatRequest,
  head: object,
  includeUsage: boolean,
  signal: AbortSignal,
  stream: EventStream,
): Promise<void> {
  const send = (fields: object): void =>
    stream.send({ ...head, ...(includeUsage ? { usage: null } : {}), ...fields });
  const onText: Progress['onText'] = (text, tokens) =>
    send({ choices: [{ index: 0, text, finish_reason: null, logprobs: told(chat, tokens) }] });
  const result = await answer(engine, chat, { ...SILENT, onText }, signal);
  send({ choices: [{ index: 0, text: '', finish_reason: result.finish, logprobs: null }] });
  if (includeUsage) send({ choices: [], usage: usage(result) });
}

const told = ({ logprobs }: ChatRequest, tokens: Answer['tokens']) =>
  logprobs === undefined ? null : textLogprobs(tokens);
