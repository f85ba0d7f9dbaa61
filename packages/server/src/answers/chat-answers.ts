import { Type } from '@fastify/type-provider-typebox';
import { choice, closed, Moment, nullable } from './answers.js';

const Count = Type.Integer({ minimum: 0 });
const Usage = closed({ prompt_tokens: Count, completion_tokens: Count, total_tokens: Count });
const FinishReason = choice('stop', 'length');

const tokenFields = {
  /** Its text; bytes that are no whole characters as `\xe2\x80`. */
  token: Type.String(),
  logprob: Type.Number({ maximum: 0 }),
  bytes: Type.Array(Type.Integer({ minimum: 0, maximum: 255 })),
};
const ChatLogprobs = closed({
  content: Type.Array(closed({ ...tokenFields, top_logprobs: Type.Array(closed(tokenFields)) })),
  refusal: Type.Null(),
});

const Images = Type.Array(
  closed({ type: Type.Literal('image_url'), image_url: closed({ url: Type.String() }) }),
);

export const ChatCompletion = closed({
  id: Type.String(),
  object: Type.Literal('chat.completion'),
  created: Moment,
  model: Type.String(),
  choices: Type.Array(
    closed({
      index: Count,
      message: closed({
        role: Type.Literal('assistant'),
        content: Type.String(),
        images: Type.Optional(Images),
      }),
      finish_reason: FinishReason,
      logprobs: nullable(ChatLogprobs),
    }),
  ),
  usage: Usage,
});

/** One event of a streamed answer. */
export const ChatChunk = closed({
  id: Type.String(),
  object: Type.Literal('chat.completion.chunk'),
  created: Moment,
  model: Type.String(),
  choices: Type.Array(
    closed({
      index: Count,
      delta: closed({
        role: Type.Optional(Type.Literal('assistant')),
        content: Type.Optional(Type.String()),
        images: Type.Optional(Images),
      }),
      finish_reason: nullable(FinishReason),
      logprobs: Type.Optional(ChatLogprobs),
    }),
  ),
  usage: Type.Optional(nullable(Usage)),
});

const TextLogprobs = closed({
  tokens: Type.Array(Type.String()),
  token_logprobs: Type.Array(Type.Number({ maximum: 0 })),
  top_logprobs: Type.Array(Type.Record(Type.String(), Type.Number({ maximum: 0 }))),
  text_offset: Type.Array(Count),
});

const completion = {
  id: Type.String(),
  object: Type.Literal('text_completion'),
  created: Moment,
  model: Type.String(),
};

export const TextCompletion = closed({
  ...completion,
  choices: Type.Array(
    closed({
      index: Count,
      text: Type.String(),
      finish_reason: FinishReason,
      logprobs: nullable(TextLogprobs),
    }),
  ),
  usage: Usage,
});

/** One event of a streamed text. */
export const TextChunk = closed({
  ...completion,
  choices: Type.Array(
    closed({
      index: Count,
      text: Type.String(),
      finish_reason: nullable(FinishReason),
      logprobs: nullable(TextLogprobs),
    }),
  ),
  usage: Type.Optional(nullable(Usage)),
});

export const DrawnImages = closed({
  created: Moment,
  data: Type.Array(
    closed({
      b64_json: Type.Optional(Type.String()),
      url: Type.Optional(Type.String()),
      seed: Type.Integer(),
    }),
  ),
});
