import { randomInt } from 'node:crypto';
import { Type } from '@fastify/type-provider-typebox';
import { answers } from '../answers/answers.js';
import { DrawnImages } from '../answers/chat-answers.js';
import { invalidRequest } from '../errors.js';
import { fileUrl } from '../image-delivery.js';
import { answerUnlessGone, type Serving } from '../serving.js';
import type { App } from './app.js';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) =>
  Type.Optional(Type.Union([Type.Null(), type]));

/** OpenAI's image request, with the seed and the sampler's settings added. */
const ImageBody = Type.Object({
  prompt: Type.String({ minLength: 1, maxLength: 32_000 }),
  model: Type.Optional(Type.String()),
  n: nullable(Type.Integer({ minimum: 1, maximum: 8 })),
  size: nullable(Type.String()),
  response_format: nullable(Type.Union([Type.Literal('b64_json'), Type.Literal('url')])),
  seed: nullable(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  num_inference_steps: Type.Optional(Type.Integer({ minimum: 2, maximum: 1000 })),
  guidance_scale: Type.Optional(Type.Number({ minimum: 1, maximum: 30 })),
});

/** `POST /v1/images/generations`. */
export function imageRoutes(app: App, serving: Serving): void {
  app.post(
    '/v1/images/generations',
    {
      schema: {
        tags: ['images'],
        summary: 'Draw a character',
        body: ImageBody,
        response: answers(DrawnImages, 404, 504),
      },
    },
    async (request, reply) => {
      const { body } = request;
      const character = serving.shelf.find(body.model);
      const size = readSize(body.size ?? 'auto');
      const seed = body.seed ?? randomInt(2 ** 31);
      const drawing = {
        ...size,
        ...(body.num_inference_steps === undefined ? {} : { steps: body.num_inference_steps }),
        ...(body.guidance_scale === undefined ? {} : { cfg: body.guidance_scale }),
      };
      return answerUnlessGone(reply, (signal) =>
        serving.generate(reply, character, signal, async (engine) => {
          const data: object[] = [];
          for (let index = 0; index < (body.n ?? 1); index++) {
            const { image } = await engine.imagine({
              prompt: body.prompt,
              seed: seed + index,
              ...drawing,
              signal,
            });
            const { id, png } = await serving.pictures.keep(image);
            data.push(
              body.response_format === 'url'
                ? { url: fileUrl(request, id), seed: seed + index }
                : { b64_json: png.toString('base64'), seed: seed + index },
            );
          }
          return { created: Math.floor(Date.now() / 1000), data };
        }),
      );
    },
  );
}

/** `256x192` in pixels; `auto` leaves the size to the character. @throws ApiError 400 */
function readSize(text: string): { width?: number; height?: number } {
  if (text === 'auto') return {};
  const match = /^(\d{2,4})x(\d{2,4})$/.exec(text);
  const width = Number(match?.[1]);
  const height = Number(match?.[2]);
  if (!match || width < 16 || height < 16 || width > 4096 || height > 4096) {
    throw invalidRequest(
      `Expected a size such as "256x256" with sides of 16 to 4096 pixels, or "auto", found "${text.slice(0, 40)}".`,
      'size',
    );
  }
  return { width, height };
}
