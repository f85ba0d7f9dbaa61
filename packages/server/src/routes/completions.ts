import { randomInt, randomUUID } from 'node:crypto';
import { Type } from '@fastify/type-provider-typebox';
import { answer, readChatRequest, SILENT, usage } from '../answer.js';
import { answerUnlessGone, type Serving } from '../serving.js';
import type { App } from './app.js';

const CompletionBody = Type.Object({
  model: Type.Optional(Type.String()),
  prompt: Type.String({ minLength: 1, maxLength: 200_000 }),
  seed: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 0 })])),
  temperature: Type.Optional(Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: 2 })])),
  max_tokens: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 1 })])),
  stop: Type.Optional(
    Type.Union([Type.Null(), Type.String(), Type.Array(Type.String({ minLength: 1 }), { maxItems: 16 })]),
  ),
});

/** `POST /v1/completions` for old clients: the prompt is what the user says. Not streamed. */
export function completionRoutes(app: App, serving: Serving): void {
  app.post(
    '/v1/completions',
    { schema: { tags: ['chat'], summary: 'Talk to a character, in the old form', body: CompletionBody } },
    async (request, reply) => {
      const { prompt, ...options } = request.body;
      const character = serving.shelf.find(options.model);
      const chat = await readChatRequest({
        ...options,
        seed: options.seed ?? randomInt(2 ** 31),
        messages: [{ role: 'user', content: prompt }],
      });
      return answerUnlessGone(reply, (signal) =>
        serving.generate(character, signal, async (engine) => {
          const result = await answer(engine, chat, SILENT, signal);
          return {
            id: `cmpl-${randomUUID()}`,
            object: 'text_completion',
            created: Math.floor(Date.now() / 1000),
            model: character.id,
            choices: [{ index: 0, text: result.text, finish_reason: result.finish, logprobs: null }],
            usage: usage(result),
          };
        }),
      );
    },
  );
}
