import { Type } from '@fastify/type-provider-typebox';
import { choice, closed, Moment, nullable } from './answers.js';

const Count = Type.Integer({ minimum: 0 });

export const Model = closed({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Moment,
  owned_by: Type.String(),
});

/** A character that can be talked to. */
export const CharacterCard = closed({
  id: Type.String(),
  object: Type.Literal('character'),
  name: Type.String(),
  description: Type.String(),
  opening: Type.String(),
  portrait: nullable(Type.String()),
});

/** What the doctor says about uploaded data. */
export const report = {
  images: Count,
  tasks: Type.Array(closed({ task: Type.String(), samples: Count })),
  findings: Type.Array(
    closed({
      severity: choice('error', 'warning', 'info'),
      file: Type.String(),
      field: Type.String(),
      message: Type.String(),
    }),
  ),
  missing: Type.Array(
    closed({
      what: choice('images', 'captions', 'dialogues', 'knowledge', 'opening'),
      required: Type.Boolean(),
      message: Type.String(),
    }),
  ),
};

export const CharacterUpload = closed({
  id: Type.String({ pattern: '^char_[0-9a-f]{24}$' }),
  object: Type.Literal('character.upload'),
  name: Type.String(),
  format: choice('png', 'json', 'charx', 'folder'),
  provenance: Type.String(),
  consented_at: Moment,
  portrait: nullable(Type.String()),
  ...report,
  trainable: Type.Boolean(),
});

export const TrainingFile = closed({
  id: Type.String({ pattern: '^file-[0-9a-f]{24}$' }),
  object: Type.Literal('file'),
  bytes: Count,
  created_at: Moment,
  filename: Type.String(),
  purpose: Type.Literal('fine-tune'),
  status: Type.Literal('processed'),
  status_details: Type.Null(),
  expires_at: Type.Null(),
  character: Type.String(),
  provenance: Type.String(),
  consented_at: nullable(Moment),
  ...report,
});

const conversation = {
  id: Type.String({ format: 'uuid' }),
  object: Type.Literal('conversation'),
  character: Type.String(),
  title: nullable(Type.String()),
  head: nullable(Type.String({ format: 'uuid' })),
  created_at: Moment,
  changed_at: Moment,
};
export const Conversation = closed(conversation);

export const ConversationMessage = closed({
  id: Type.String({ format: 'uuid' }),
  object: Type.Literal('conversation.message'),
  parent: nullable(Type.String({ format: 'uuid' })),
  role: choice('user', 'assistant'),
  content: Type.String(),
  picture: nullable(Type.String()),
  created_at: Moment,
});

export const WholeConversation = closed({ ...conversation, messages: Type.Array(ConversationMessage) });
