import { createStore, del, get, set, update, values } from 'idb-keyval';
import type { Conversation, ConversationStore } from './conversation-store.js';
import type { StoredMessage } from './message-tree.js';

interface Kept {
  readonly conversation: Conversation;
  readonly messages: readonly StoredMessage[];
  /** Milliseconds since 1970. */
  readonly changed: number;
}

const TITLE_LENGTH = 80;
const store = createStore('unicharacter-history', 'conversations');

/** Conversations in the browser's own database, for servers that keep none. */
export const browserStore: ConversationStore = {
  place: 'browser',
  async list(character) {
    return (await values<Kept>(store))
      .filter(({ conversation }) => conversation.character === character)
      .sort((a, b) => b.changed - a.changed)
      .map(({ conversation }) => conversation);
  },
  async open(id) {
    const kept = await get<Kept>(id, store);
    if (!kept) throw new Error('This conversation is not in this browser any more.');
    return { conversation: kept.conversation, messages: [...kept.messages] };
  },
  async create(character) {
    const conversation = { id: crypto.randomUUID(), character, title: null, head: null };
    await set(conversation.id, { conversation, messages: [], changed: Date.now() } satisfies Kept, store);
    return conversation;
  },
  async append(id, message) {
    await change(id, ({ conversation, messages }) => ({
      conversation: {
        ...conversation,
        head: message.id,
        title:
          conversation.title ?? (message.role === 'user' ? message.content.slice(0, TITLE_LENGTH) : null),
      },
      messages: [...messages.filter((one) => one.id !== message.id), message],
    }));
    return message;
  },
  show: (id, head) =>
    change(id, ({ conversation, messages }) => ({ conversation: { ...conversation, head }, messages })),
  rename: (id, title) =>
    change(id, ({ conversation, messages }) => ({ conversation: { ...conversation, title }, messages })),
  remove: (id) => del(id, store),
};

function change(id: string, with_: (kept: Kept) => Omit<Kept, 'changed'>): Promise<void> {
  return update<Kept>(
    id,
    (kept) => {
      if (!kept) throw new Error('This conversation is not in this browser any more.');
      return { ...with_(kept), changed: Date.now() };
    },
    store,
  );
}
