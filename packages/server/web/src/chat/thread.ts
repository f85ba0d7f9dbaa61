import type { Character } from '../api/characters.js';
import type { Conversation, ConversationStore } from './conversation-store.js';
import { branch, latestBelow, type StoredMessage } from './message-tree.js';

type NewMessage = Omit<StoredMessage, 'id'>;

/**
 * The conversation that is shown. What is said appears at once; `store` brings it to where it is kept, in order, and again
 * after a failure, so that a database that is down for a while loses nothing.
 */
export class Thread {
  private waiting: StoredMessage[] = [];
  private storing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly kept: ConversationStore,
    private readonly character: string,
    private conversation: Conversation | undefined,
    private messages: StoredMessage[],
    private head: string | null,
  ) {}

  /** A conversation that is stored as soon as something is said. */
  static begin(store: ConversationStore, { id, opening }: Character): Thread {
    const thread = new Thread(store, id, undefined, [], null);
    if (opening !== '') thread.add({ parent: null, role: 'assistant', content: opening, picture: null });
    return thread;
  }

  static async open(store: ConversationStore, id: string): Promise<Thread> {
    const { conversation, messages } = await store.open(id);
    return new Thread(store, conversation.character, conversation, messages, conversation.head);
  }

  /** Undefined until it is stored. */
  get id(): string | undefined {
    return this.conversation?.id;
  }

  get all(): readonly StoredMessage[] {
    return this.messages;
  }

  get shown(): StoredMessage[] {
    return branch(this.messages, this.head);
  }

  /** True while something that was said is not stored. */
  get unsaved(): boolean {
    return this.waiting.length > 0;
  }

  /** Adds a message and goes on from it. */
  add(message: NewMessage): StoredMessage {
    const added = { ...message, id: crypto.randomUUID() };
    this.messages = [...this.messages, added];
    this.head = added.id;
    this.waiting.push(added);
    return added;
  }

  /** Stores everything that waits. @throws RequestError; calling again goes on where it stopped */
  store(): Promise<void> {
    const next = this.storing.catch(() => {}).then(() => this.storeWaiting());
    this.storing = next;
    return next;
  }

  /** Shows the branch of another alternative. */
  async show(message: StoredMessage): Promise<void> {
    const head = latestBelow(this.messages, message);
    this.head = head;
    await this.store();
    if (this.conversation) await this.kept.show(this.conversation.id, head);
  }

  private async storeWaiting(): Promise<void> {
    for (let [message] = this.waiting; message; [message] = this.waiting) {
      this.conversation ??= await this.kept.create(this.character);
      await this.kept.append(this.conversation.id, message);
      this.waiting.shift();
    }
  }
}
