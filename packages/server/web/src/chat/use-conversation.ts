import { useCallback, useEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Character } from '../api/characters.js';
import { type Message, streamReply } from '../api/chat.js';
import { asDataUrl } from '../api/pictures.js';
import { wordsOf } from '../api/request.js';
import { chosenConversation, rememberConversation } from '../route.js';
import { type Conversation, type ConversationStore, findStore } from './conversation-store.js';
import type { StoredMessage } from './message-tree.js';
import { Thread } from './thread.js';

/** A reply that is being written after the first `length` messages of the branch. */
export interface Pending {
  readonly length: number;
  readonly text: string;
  readonly drawing: boolean;
}

/** What the user says: words, and a picture as a data address. */
export interface Said {
  readonly text: string;
  readonly picture?: string;
}

/** The conversations with a character, the open one, and everything that can be done with it. */
export function useConversation(character: Character) {
  const [store, setStore] = useState<ConversationStore>();
  const [list, setList] = useState<readonly Conversation[]>([]);
  const [thread, setThread] = useState<Thread>();
  const [pending, setPending] = useState<Pending>();
  const [problem, setProblem] = useState('');
  const [, redraw] = useReducer((times: number) => times + 1, 0);
  const stopper = useRef<AbortController>(undefined);
  const current = useRef<Thread>(undefined);

  /** Does `work` and says what went wrong. */
  const trying = useCallback(async (work: () => Promise<void>) => {
    setProblem('');
    try {
      await work();
    } catch (error) {
      setProblem(wordsOf(error));
    }
  }, []);

  const load = useCallback(
    () =>
      trying(async () => {
        const found = await findStore();
        const conversations = await found.list(character.id);
        const wanted = chosenConversation();
        const latest = conversations.find(({ id }) => id === wanted) ?? conversations[0];
        const opened = latest ? await Thread.open(found, latest.id) : Thread.begin(found, character);
        current.current = opened;
        setThread(opened);
        setList(conversations);
        setStore(found);
      }),
    [character, trying],
  );
  useEffect(() => {
    void load();
    return () => stopper.current?.abort();
  }, [load]);

  if (!store || !thread) return { loading: true as const, problem, load };

  const enter = (next: Thread) => {
    stopper.current?.abort();
    stopper.current = undefined;
    current.current = next;
    setPending(undefined);
    setProblem('');
    setThread(next);
    rememberConversation(character.id, next.id);
  };

  /** Stores what was said; a failure is shown, and the next attempt stores both. */
  const keep = () =>
    trying(async () => {
      await thread.store();
      if (current.current === thread) rememberConversation(character.id, thread.id);
      setList(await store.list(character.id));
    });

  /**
   * Lets the character answer the last of `before`; with `begun` it goes on from these words. What was said before an end or
   * a stop is kept, also when the user has gone to another conversation.
   */
  const answer = async (
    before: readonly StoredMessage[],
    wantsPicture: boolean,
    begun?: StoredMessage,
  ): Promise<void> => {
    const asked = before.at(-1)!;
    const withPicture = wantsPicture && asked.picture === null;
    const controller = new AbortController();
    stopper.current = controller;
    let text = begun?.content ?? '';
    const show = (piece: string) => {
      text += piece;
      if (stopper.current === controller) setPending({ text, drawing: withPicture, length: before.length });
    };
    show('');
    setProblem('');
    if (thread.unsaved) await keep();
    let picture: string | undefined;
    let failure: unknown;
    try {
      const messages = await messagesOf(before, begun);
      picture = await streamReply(character.id, messages, withPicture, show, controller.signal);
    } catch (error) {
      if (!controller.signal.aborted) failure = error;
    }
    if (text !== (begun?.content ?? '') || picture !== undefined) {
      thread.add({
        parent: asked.id,
        role: 'assistant',
        content: text,
        picture: picture ?? begun?.picture ?? null,
      });
    }
    if (stopper.current === controller) setPending(undefined);
    if (thread.unsaved) await keep();
    if (failure !== undefined) setProblem(wordsOf(failure));
  };

  const last = thread.shown.at(-1);
  return {
    loading: false as const,
    place: store.place,
    list,
    thread,
    pending,
    problem,
    keep,
    stop: () => stopper.current?.abort(),
    start: () => enter(Thread.begin(store, character)),
    select: ({ id }: Conversation) => trying(async () => enter(await Thread.open(store, id))),
    say({ text, picture }: Said, withPicture: boolean) {
      thread.add({ parent: last?.id ?? null, role: 'user', content: text, picture: picture ?? null });
      return answer(thread.shown, withPicture);
    },
    /** Other words in place of a message, on a branch of their own; the character answers those of the user. */
    edit({ parent, role, picture }: StoredMessage, content: string, withPicture: boolean) {
      thread.add({ parent, role, content, picture });
      return role === 'user' ? answer(thread.shown, withPicture) : keep();
    },
    /** Another answer beside the last one. */
    regenerate(withPicture: boolean) {
      const { shown } = thread;
      return answer(last?.role === 'assistant' ? shown.slice(0, -1) : shown, withPicture);
    },
    /** Lets the character go on from its last words. */
    goOn: () => answer(thread.shown.slice(0, -1), false, last),
    choose: (message: StoredMessage) =>
      trying(async () => {
        const shown = thread.show(message);
        redraw(undefined);
        await shown;
      }),
    rename: ({ id }: Conversation, title: string) =>
      trying(async () => {
        await store.rename(id, title);
        setList(await store.list(character.id));
      }),
    remove: ({ id }: Conversation) =>
      trying(async () => {
        await store.remove(id);
        setList(await store.list(character.id));
        if (id === thread.id) enter(Thread.begin(store, character));
      }),
  };
}

export type OpenConversation = Extract<ReturnType<typeof useConversation>, { loading: false }>;

/** The branch as the server wants it: a picture only where the character is to look at it now. */
async function messagesOf(before: readonly StoredMessage[], begun?: StoredMessage): Promise<Message[]> {
  const asked = before.at(-1)!;
  const looked = asked.picture === null ? {} : { picture: await asDataUrl(asked.picture) };
  return [
    ...before.slice(0, -1).map(({ role, content }) => ({ role, content })),
    { role: asked.role, content: asked.content, ...looked },
    ...(begun ? [{ role: begun.role, content: begun.content }] : []),
  ];
}
