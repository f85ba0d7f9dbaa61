import { useState } from 'preact/hooks';
import { asDataUrl } from '../api/pictures.js';
import { wordsOf } from '../api/request.js';
import { Icon } from '../shared/icon.js';
import { IconButton } from '../shared/icon-button.js';
import { usableAsPicture } from '../shared/usable-picture.js';
import type { Said } from './use-conversation.js';

interface ComposerProps {
  readonly name: string;
  readonly busy: boolean;
  readonly withPicture: boolean;
  readonly onWithPicture: (on: boolean) => void;
  readonly onSay: (said: Said) => void;
  readonly onStop: () => void;
}

/** Where the user writes and shows pictures. Enter sends, Shift and Enter begins a new line. */
export function Composer({ name, busy, withPicture, onWithPicture, onSay, onStop }: ComposerProps) {
  const [text, setText] = useState('');
  const [picture, setPicture] = useState<string>();
  const [problem, setProblem] = useState('');
  const empty = text.trim() === '' && picture === undefined;

  const send = () => {
    if (busy || empty) return;
    onSay({ text: text.trim(), ...(picture === undefined ? {} : { picture }) });
    setText('');
    setPicture(undefined);
  };
  const show = async (file: File | undefined) => {
    if (!file) return;
    setProblem('');
    try {
      setPicture(await asDataUrl(await usableAsPicture(file)));
    } catch (error) {
      setProblem(wordsOf(error));
    }
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onPaste={(event) => {
        const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
        if (file) event.preventDefault();
        void show(file);
      }}
    >
      <div class="composer-box">
        {problem !== '' && <p role="alert">{problem}</p>}
        {picture !== undefined && (
          <div class="attached">
            <img src={picture} alt="What you show" />
            <IconButton icon="close" label="Do not show the picture" onClick={() => setPicture(undefined)} />
          </div>
        )}
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
        <div class="row">
          <label class="icon-button" title="Show a picture">
            <Icon name="picture" />
            <input
              type="file"
              accept="image/*"
              class="unseen"
              aria-label="Show a picture"
              onChange={(event) => {
                void show(event.currentTarget.files?.[0]);
                event.currentTarget.value = '';
              }}
            />
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={withPicture && picture === undefined}
              disabled={picture !== undefined}
              onChange={(event) => onWithPicture(event.currentTarget.checked)}
            />
            with a picture
          </label>
          <span class="spring" />
          {busy ? (
            <button type="button" onClick={onStop}>
              <Icon name="stop" />
              Stop
            </button>
          ) : (
            <button type="submit" disabled={empty}>
              <Icon name="send" />
              Send
            </button>
          )}
        </div>
      </div>
    </form>
  );
}
