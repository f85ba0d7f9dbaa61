import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Character, type Message, streamReply } from './api.js';
import {
  type CharacterTurn,
  type Conversation,
  conversationsWith,
  forget,
  keep,
  newConversation,
  shownVariant,
  type Turn,
  type Variant,
} from './conversations.js';

/** A reply that is being written. `turn` is the index at which it will stand. */
export interface Pending {
  readonly turn: number;
  readonly text: string;
}

/** The conversations with a character, the open one, and everything that can be done with it. */
export function useConversation(character: Character) {
  const [all, setAll] = useState<Conversation[]>([]);
  const [open, setOpen] = useState(() => begin(character));
  const [pending, setPending] = useState<Pending>();
  const [problem, setProblem] = useState('');
  const stopper = useRef<AbortController>(undefined);

  useEffect(() => {
    conversationsWith(character.id).then(
      (found) => {
        setAll(found);
        if (found[0]) setOpen(found[0]);
      },
      (error: Error) => setProblem(`Earlier conversations cannot be read: ${error.message}`),
    );
    return () => stopper.current?.abort();
  }, [character.id]);

  /** Shows the turns and writes them into the browser's database. */
  const save = useCallback(async (base: Conversation, turns: readonly Turn[]) => {
    const next = { ...base, turns, changed: Date.now() };
    setOpen(next);
    setAll((list) => [next, ...list.filter(({ id }) => id !== next.id)]);
    await keep(next);
    return next;
  }, []);

  /**
   * Lets the character answer after `turns`; earlier variants of the same answer are kept. From the first moment on the
   * page is busy, and the reply being written gives way to the finished turn in one go.
   */
  const answer = useCallback(
    async (
      opened: Conversation | Promise<Conversation>,
      turns: readonly Turn[],
      earlier: readonly Variant[],
      withPicture: boolean,
    ) => {
      const controller = new AbortController();
      stopper.current = controller;
      let text = '';
      setProblem('');
      setPending({ turn: turns.length, text });
      const show = (piece: string) => {
        text += piece;
        setPending({ turn: turns.length, text });
      };
      let base: Conversation | undefined;
      const finish = async (last: CharacterTurn) => {
        if (!base) return;
        setPending(undefined);
        await save(base, [...turns, last]);
      };
      try {
        base = await opened;
        const picture = await streamReply(
          character.id,
          messagesOf(turns),
          withPicture,
          show,
          controller.signal,
        );
        await finish(turnWith(earlier, { text, ...(picture ? { picture } : {}) }));
      } catch (error) {
        if (!controller.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
        // What was said before the end is kept; without it the earlier answers come back.
        if (text !== '') await finish(turnWith(earlier, { text }));
        else if (earlier.length > 0) await finish(chosenOf(earlier, earlier.length - 1));
      } finally {
        setPending(undefined);
      }
    },
    [character.id, save],
  );

  return {
    all,
    open,
    pending,
    problem,
    select: (conversation: Conversation) => setOpen(conversation),
    start: () => setOpen(begin(character)),
    stop: () => stopper.current?.abort(),
    async say(text: string, withPicture: boolean) {
      const turns: Turn[] = [...open.turns, { role: 'user', text }];
      await answer(save(open, turns), turns, [], withPicture);
    },
    /** Another answer in place of the last one, which stays as a variant. */
    async regenerate(withPicture: boolean) {
      const last = open.turns.at(-1);
      const earlier = last?.role === 'assistant' ? last.variants : [];
      const turns = last?.role === 'assistant' ? open.turns.slice(0, -1) : open.turns;
      await answer(open, turns, earlier, withPicture);
    },
    /** Says something else at turn `index`; what came after it stays in the old conversation. */
    async edit(index: number, text: string, withPicture: boolean) {
      const turns: Turn[] = [...open.turns.slice(0, index), { role: 'user', text }];
      await answer(save(newConversation(character.id), turns), turns, [], withPicture);
    },
    async choose(index: number, chosen: number) {
      const turns = open.turns.map((turn, i) =>
        i === index && turn.role === 'assistant' ? { ...turn, chosen } : turn,
      );
      await save(open, turns);
    },
    async remove(conversation: Conversation) {
      await forget(conversation);
      setAll((list) => list.filter(({ id }) => id !== conversation.id));
      if (conversation.id === open.id) setOpen(begin(character));
    },
  };
}

function begin({ id, opening }: Character): Conversation {
  return newConversation(id, opening === '' ? [] : [chosenOf([{ text: opening }], 0)]);
}

function chosenOf(variants: readonly Variant[], chosen: number): CharacterTurn {
  return { role: 'assistant', variants, chosen };
}

function turnWith(earlier: readonly Variant[], variant: Variant): CharacterTurn {
  return chosenOf([...earlier, variant], earlier.length);
}

function messagesOf(turns: readonly Turn[]): Message[] {
  return turns.map((turn) => ({
    role: turn.role,
    content: turn.role === 'user' ? turn.text : shownVariant(turn).text,
  }));
}
