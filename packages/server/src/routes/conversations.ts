import { type Static, Type } from '@fastify/type-provider-typebox';
import { answers, deleted, listing } from '../answers/answers.js';
import {
  Conversation as Answer,
  ConversationMessage,
  WholeConversation,
} from '../answers/character-answers.js';
import { ApiError, invalidRequest } from '../errors.js';
import type { Serving } from '../serving.js';
import type { Conversation, Conversations, Refusal, StoredMessage } from '../state/conversations.js';
import { StorableText } from '../storable-text.js';
import type { App } from './app.js';

const Id = Type.String({ format: 'uuid' });
const Params = Type.Object({ id: Id });
const tags = ['conversations'];

const Create = Type.Object({ character: Type.Optional(Type.String({ maxLength: 200 })) });
const Query = Type.Object({
  character: Type.Optional(StorableText({ maxLength: 200 })),
  limit: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,2}$' })),
});
const MessageBody = Type.Object({
  /** A UUID of the sender's choice: a message that is sent again is stored once. */
  id: Type.Optional(Id),
  /** The message it answers to; the newest one unless told, null for a new beginning. */
  parent: Type.Optional(Type.Union([Type.Null(), Id])),
  role: Type.Union([Type.Literal('user'), Type.Literal('assistant')]),
  content: StorableText({ maxLength: 200_000 }),
  /** A data URL, or the id of a stored picture. */
  picture: Type.Optional(Type.String()),
});
type MessageBody = Static<typeof MessageBody>;
const Change = Type.Object(
  { head: Type.Optional(Id), title: Type.Optional(StorableText({ minLength: 1, maxLength: 200 })) },
  { minProperties: 1, additionalProperties: false },
);

/** `/v1/conversations`: what was said, kept on the server as trees of messages. */
export function conversationRoutes(app: App, serving: Serving, conversations: Conversations): void {
  app.post(
    '/v1/conversations',
    { schema: { tags, summary: 'Begin a conversation', body: Create, response: answers(Answer, 404) } },
    async ({ body, owner }) => {
      const { id } = serving.shelf.find(body.character, 'character');
      return describe(await conversations.create(owner, id));
    },
  );
  app.get(
    '/v1/conversations',
    {
      schema: {
        tags,
        summary: 'Conversations, the latest first',
        querystring: Query,
        response: answers(listing(Answer)),
      },
    },
    async ({ query, owner }) => {
      const found = await conversations.list(owner, query.character, Number(query.limit ?? 100));
      return { object: 'list', data: found.map(describe) };
    },
  );
  app.get(
    '/v1/conversations/:id',
    {
      schema: {
        tags,
        summary: 'A conversation with the messages of all its branches',
        params: Params,
        response: answers(WholeConversation, 404),
      },
    },
    async ({ params, owner }) => {
      const found = await conversations.find(owner, params.id);
      if (!found) throw notFound(params.id);
      return { ...describe(found), messages: (await conversations.messages(found.id)).map(describeMessage) };
    },
  );
  app.post(
    '/v1/conversations/:id/messages',
    {
      schema: {
        tags,
        summary: 'Add a message',
        params: Params,
        body: MessageBody,
        response: answers(ConversationMessage, 404, 409),
      },
    },
    async ({ params, body, owner }) => {
      const picture = body.picture === undefined ? undefined : await serving.pictures.accept(body.picture);
      const stored = await conversations.append(owner, params.id, messageOf(body, picture));
      if (typeof stored === 'string') throw refused(stored, params.id, body);
      return describeMessage(stored);
    },
  );
  app.post(
    '/v1/conversations/:id',
    {
      schema: {
        tags,
        summary: 'Show another branch, or give a name',
        params: Params,
        body: Change,
        response: answers(Answer, 404),
      },
    },
    async ({ params, body, owner }) => {
      const changed = await conversations.change(owner, params.id, body);
      if (typeof changed === 'string') {
        throw refused(changed, params.id, body.head === undefined ? {} : { parent: body.head });
      }
      return describe(changed);
    },
  );
  app.delete(
    '/v1/conversations/:id',
    {
      schema: {
        tags,
        summary: 'Forget a conversation',
        params: Params,
        response: answers(deleted('conversation.deleted'), 404),
      },
    },
    async ({ params, owner }) => {
      if (!(await conversations.remove(owner, params.id))) throw notFound(params.id);
      return { id: params.id, object: 'conversation.deleted', deleted: true };
    },
  );
}

function messageOf({ id, parent, role, content }: MessageBody, picture: string | undefined) {
  return { id, parent, role, content, picture };
}

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

const describe = (conversation: Conversation) => ({
  id: conversation.id,
  object: 'conversation',
  character: conversation.character,
  title: conversation.title,
  head: conversation.head,
  created_at: seconds(conversation.createdAt),
  changed_at: seconds(conversation.changedAt),
});

const describeMessage = ({ id, parentId, role, content, picture, createdAt }: StoredMessage) => ({
  id,
  object: 'conversation.message',
  parent: parentId,
  role,
  content,
  picture: picture === null ? null : `/v1/files/${picture}/content`,
  created_at: seconds(createdAt),
});

const notFound = (id: string): ApiError =>
  new ApiError(404, 'not_found_error', `There is no conversation "${id}".`, {
    param: 'id',
    code: 'conversation_not_found',
  });

function refused(why: Refusal, id: string, sent: { id?: string; parent?: string | null }): ApiError {
  if (why === 'no conversation') return notFound(id);
  if (why === 'no parent') {
    return invalidRequest(`The conversation has no message "${sent.parent}".`, 'parent', 'message_not_found');
  }
  return new ApiError(409, 'invalid_request_error', `Another message has the id "${sent.id}".`, {
    param: 'id',
    code: 'id_taken',
  });
}
