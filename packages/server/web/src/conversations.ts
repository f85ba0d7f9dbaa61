/** Conversations, kept in the browser's own database. */
import { createStore, del, entries, set } from 'idb-keyval';

/** One way in which the character answered; regenerating adds another. */
export interface Variant {
  readonly text: string;
  /** PNG as a data address. */
  readonly picture?: string;
}

export interface UserTurn {
  readonly role: 'user';
  readonly text: string;
}

export interface CharacterTurn {
  readonly role: 'assistant';
  readonly variants: readonly Variant[];
  /** Index of the variant that is shown and that the conversation goes on from. */
  readonly chosen: number;
}

export type Turn = UserTurn | CharacterTurn;

export interface Conversation {
  readonly id: string;
  /** Model id of the character. */
  readonly character: string;
  /** Milliseconds since 1970. */
  readonly changed: number;
  readonly turns: readonly Turn[];
}

const store = createStore('unicharacter', 'conversations');

/** Conversations with a character, the latest first. */
export async function conversationsWith(character: string): Promise<Conversation[]> {
  const all = await entries<string, Conversation>(store);
  return all
    .map(([, conversation]) => conversation)
    .filter((conversation) => conversation.character === character)
    .sort((a, b) => b.changed - a.changed);
}

export async function keep(conversation: Conversation): Promise<void> {
  await set(conversation.id, conversation, store);
}

export async function forget({ id }: Conversation): Promise<void> {
  await del(id, store);
}

/** A conversation that begins with the turns given. */
export function newConversation(character: string, turns: readonly Turn[] = []): Conversation {
  return { id: crypto.randomUUID(), character, changed: Date.now(), turns };
}

/** The first words of a conversation, for lists. */
export function titleOf({ turns }: Conversation): string {
  const first = turns.find((turn) => turn.role === 'user');
  return first ? first.text.slice(0, 60) : 'New conversation';
}

export function shownVariant(turn: CharacterTurn): Variant {
  return turn.variants[turn.chosen] as Variant;
}
