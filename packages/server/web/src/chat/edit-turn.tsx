import { useState } from 'preact/hooks';

interface EditTurnProps {
  readonly own: boolean;
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onEnd: () => void;
}

/** Other words for something that was said; what was said stays as another version. */
export function EditTurn({ own, text, onText, onEnd }: EditTurnProps) {
  const [draft, setDraft] = useState(text);
  const submit = (event: Event) => {
    event.preventDefault();
    onEnd();
    if (draft.trim() !== '' && draft.trim() !== text) onText(draft.trim());
  };
  return (
    <form
      class={own ? 'turn user editing' : 'turn editing'}
      aria-label={own ? 'Edit what you said' : 'Edit the answer'}
      onSubmit={submit}
    >
      <textarea
        aria-label={own ? 'Your words' : 'The answer'}
        rows={3}
        value={draft}
        ref={(field) => field?.focus()}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && onEnd()}
      />
      <div class="row">
        <button type="submit">{own ? 'Say this instead' : 'Keep this instead'}</button>
        <button type="button" class="quiet" onClick={onEnd}>
          Cancel
        </button>
      </div>
    </form>
  );
}
