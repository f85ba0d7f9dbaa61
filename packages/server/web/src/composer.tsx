import { useState } from 'preact/hooks';

interface ComposerProps {
  readonly name: string;
  readonly busy: boolean;
  readonly withPicture: boolean;
  readonly onWithPicture: (on: boolean) => void;
  readonly onSay: (text: string) => void;
  readonly onStop: () => void;
}

/** Where the user writes. Enter sends, Shift and Enter begins a new line. */
export function Composer({ name, busy, withPicture, onWithPicture, onSay, onStop }: ComposerProps) {
  const [text, setText] = useState('');
  const send = () => {
    if (busy || text.trim() === '') return;
    onSay(text.trim());
    setText('');
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        aria-label={`Say something to ${name}`}
        placeholder={`Say something to ${name}`}
        rows={2}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={withPicture}
          onChange={(event) => onWithPicture(event.currentTarget.checked)}
        />
        with a picture
      </label>
      {busy ? (
        <button type="button" onClick={onStop}>
          Stop
        </button>
      ) : (
        <button type="submit" disabled={text.trim() === ''}>
          Send
        </button>
      )}
    </form>
  );
}
