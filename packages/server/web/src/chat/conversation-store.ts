import { get, RequestError } from '../api/request.js';
import { browserStore } from './browser-store.js';
import type { StoredMessage } from './message-tree.js';
import { serverStore } from './server-store.js';

export interface Conversation {
  readonly id: string;
  /** Model id of the character. */
  readonly character: string;
  /** The name given to it, else the beginning of what was said first. */
  readonly title: string | null;
  /** The last message of the branch that is shown. */
  readonly head: string | null;
}

/** Where conversations are kept. Whatever an operation answers has been stored. */
export interface ConversationStore {
  readonly place: 'server' | 'browser';
  /** Conversations with a character, the latest first. */
  list(character: string): Promise<Conversation[]>;
  /** All messages of all branches, in the order of arrival. */
  open(id: string): Promise<{ conversation: Conversation; messages: StoredMessage[] }>;
  create(character: string): Promise<Conversation>;
  /** Stores a message, once however often it is sent, and makes it the head. */
  append(conversation: string, message: StoredMessage): Promise<StoredMessage>;
  /** Shows the branch that ends in `head`. */
  show(conversation: string, head: string): Promise<void>;
  rename(conversation: string, title: string): Promise<void>;
  remove(conversation: string): Promise<void>;
}

/** The server's store; the browser's own where the server keeps nothing. */
export async function findStore(): Promise<ConversationStore> {
  try {
    await get('/v1/conversations?limit=1');
    return serverStore;
  } catch (error) {
    if (error instanceof RequestError && error.code === 'unknown_url') return browserStore;
    throw error;
  }
}
