import { type Static, Type } from '@fastify/type-provider-typebox';

const TextPart = Type.Object({ type: Type.Literal('text'), text: Type.String() });

const ImagePart = Type.Object({
  type: Type.Literal('image_url'),
  image_url: Type.Object({ url: Type.String() }),
});

const Message = Type.Object({
  role: Type.Union([
    Type.Literal('system'),
    Type.Literal('developer'),
    Type.Literal('user'),
    Type.Literal('assistant'),
    Type.Literal('tool'),
    Type.Literal('function'),
  ]),
  content: Type.Optional(
    Type.Union([Type.String(), Type.Null(), Type.Array(Type.Union([TextPart, ImagePart]))]),
  ),
  name: Type.Optional(Type.String()),
});

/**
 * The body of `POST /v1/chat/completions`: the fields of OpenAI's API that this server acts on, and five of its own
 * for the drawn image. Other fields are accepted and ignored, because clients send many.
 */
export const ChatBody = Type.Object({
  model: Type.Optional(Type.String()),
  messages: Type.Array(Message, { minItems: 1, maxItems: 4096 }),
  stream: Type.Optional(Type.Boolean()),
  stream_options: Type.Optional(
    Type.Union([Type.Null(), Type.Object({ include_usage: Type.Optional(Type.Boolean()) })]),
  ),
  modalities: Type.Optional(
    Type.Array(Type.Union([Type.Literal('text'), Type.Literal('image')]), { minItems: 1 }),
  ),
  /** How many answers; each has a seed of its own. */
  n: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: 8 })])),
  seed: Type.Optional(
    Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })]),
  ),
  temperature: Type.Optional(Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: 2 })])),
  max_tokens: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 1 })])),
  max_completion_tokens: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 1 })])),
  stop: Type.Optional(
    Type.Union([Type.Null(), Type.String(), Type.Array(Type.String({ minLength: 1 }), { maxItems: 16 })]),
  ),
  /** Tell how likely each token of the answer was. */
  logprobs: Type.Optional(Type.Union([Type.Null(), Type.Boolean()])),
  /** And this many of the likeliest in its place. */
  top_logprobs: Type.Optional(Type.Union([Type.Null(), Type.Integer({ minimum: 0, maximum: 20 })])),
  /** How a drawn picture comes: as `images` of the message, as markdown in its text, both, or not at all. */
  image_delivery: Type.Optional(
    Type.Union([
      Type.Literal('images'),
      Type.Literal('markdown'),
      Type.Literal('both'),
      Type.Literal('none'),
    ]),
  ),
  width: Type.Optional(Type.Integer({ minimum: 16, maximum: 4096 })),
  height: Type.Optional(Type.Integer({ minimum: 16, maximum: 4096 })),
  num_inference_steps: Type.Optional(Type.Integer({ minimum: 2, maximum: 1000 })),
  guidance_scale: Type.Optional(Type.Number({ minimum: 1, maximum: 30 })),
});

export type ChatBody = Static<typeof ChatBody>;
export type Message = ChatBody['messages'][number];
