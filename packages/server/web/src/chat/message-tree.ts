/** A conversation is a tree of messages: what is shown is the way from its first message to its head. */

export interface StoredMessage {
  readonly id: string;
  /** The message it answers to; null for the first. */
  readonly parent: string | null;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  /** Address of a picture: one of the server's, or a data address. */
  readonly picture: string | null;
}

/** The messages from the first to `head`. `messages` come in the order of arrival. */
export function branch(messages: readonly StoredMessage[], head: string | null): StoredMessage[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  const way: StoredMessage[] = [];
  for (let at = head; at !== null; ) {
    const message = byId.get(at);
    if (!message) break;
    way.unshift(message);
    at = message.parent;
  }
  return way;
}

/** All ways in which the same was answered, or said, `message` among them. */
export function alternatives(messages: readonly StoredMessage[], message: StoredMessage): StoredMessage[] {
  return messages.filter(({ parent, role }) => parent === message.parent && role === message.role);
}

/** The head of the branch that goes on from `message`: at every fork the way taken last. */
export function latestBelow(messages: readonly StoredMessage[], message: StoredMessage): string {
  const next = messages.findLast(({ parent }) => parent === message.id);
  return next ? latestBelow(messages, next) : message.id;
}
