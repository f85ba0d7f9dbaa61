import { get, postJson, request } from '../api/request.js';
import type { Conversation, ConversationStore } from './conversation-store.js';
import type { StoredMessage } from './message-tree.js';

const path = (id: string): string => `/v1/conversations/${id}`;

/** Conversations on the server: the same in every browser. */
export const serverStore: ConversationStore = {
  place: 'server',
  async list(character) {
    const query = new URLSearchParams({ character });
    return (await get<{ data: Conversation[] }>(`/v1/conversations?${query}`)).data;
  },
  async open(id) {
    const found = await get<Conversation & { messages: StoredMessage[] }>(path(id));
    return { conversation: found, messages: found.messages };
  },
  create: (character) => postJson<Conversation>('/v1/conversations', { character }),
  append(conversation, { picture, ...message }) {
    const body = picture === null ? message : { ...message, picture };
    return postJson<StoredMessage>(`${path(conversation)}/messages`, body);
  },
  async show(conversation, head) {
    await postJson(path(conversation), { head });
  },
  async rename(conversation, title) {
    await postJson(path(conversation), { title });
  },
  async remove(conversation) {
    await request(path(conversation), { method: 'DELETE' });
  },
};
