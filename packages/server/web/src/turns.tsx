import { useState } from 'preact/hooks';
import { type CharacterTurn, shownVariant } from './conversations.js';

interface UserBubbleProps {
  readonly text: string;
  readonly busy: boolean;
  readonly onEdit: (text: string) => void;
}

/** What the user said. Editing begins a new conversation from here. */
export function UserBubble({ text, busy, onEdit }: UserBubbleProps) {
  const [draft, setDraft] = useState<string>();
  if (draft === undefined) {
    return (
      <article class="turn user" aria-label="You">
        <p>{text}</p>
        <p class="tools">
          <button type="button" disabled={busy} onClick={() => setDraft(text)}>
            Edit
          </button>
        </p>
      </article>
    );
  }
  const submit = (event: Event) => {
    event.preventDefault();
    setDraft(undefined);
    if (draft.trim() !== '') onEdit(draft.trim());
  };
  return (
    <form class="turn user" aria-label="Edit what you said" onSubmit={submit}>
      <textarea
        aria-label="Your words"
        value={draft}
        onInput={(event) => setDraft(event.currentTarget.value)}
      />
      <p class="tools">
        <button type="submit">Say this instead</button>
        <button type="button" onClick={() => setDraft(undefined)}>
          Cancel
        </button>
      </p>
    </form>
  );
}

interface CharacterBubbleProps {
  readonly name: string;
  readonly turn: CharacterTurn;
  readonly onChoose: (chosen: number) => void;
  readonly onRegenerate?: () => void;
}

/** What the character said, with a switch between its variants. */
export function CharacterBubble({ name, turn, onChoose, onRegenerate }: CharacterBubbleProps) {
  const { text, picture } = shownVariant(turn);
  const { chosen, variants } = turn;
  return (
    <article class="turn" aria-label={name}>
      <p>{text}</p>
      {picture && <img src={picture} alt={`Drawn by ${name}: ${text}`} />}
      <p class="tools">
        {variants.length > 1 && (
          <>
            <button
              type="button"
              aria-label="Previous answer"
              disabled={chosen === 0}
              onClick={() => onChoose(chosen - 1)}
            >
              ‹
            </button>
            <span>
              {chosen + 1} of {variants.length}
            </span>
            <button
              type="button"
              aria-label="Next answer"
              disabled={chosen === variants.length - 1}
              onClick={() => onChoose(chosen + 1)}
            >
              ›
            </button>
          </>
        )}
        {onRegenerate && (
          <button type="button" onClick={onRegenerate}>
            Answer again
          </button>
        )}
      </p>
    </article>
  );
}

/** A reply that is being written. */
export function PendingBubble({ name, text, drawing }: { name: string; text: string; drawing: boolean }) {
  return (
    <article class="turn pending" aria-label={`${name} is answering`} aria-busy="true">
      <p>{text === '' ? '…' : text}</p>
      {drawing && text !== '' && <p class="hint">{name} is drawing…</p>}
    </article>
  );
}
