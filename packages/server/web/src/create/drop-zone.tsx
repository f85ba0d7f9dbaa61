import { useState } from 'preact/hooks';
import { Icon } from '../shared/icon.js';

interface DropZoneProps {
  readonly onFiles: (files: File[]) => void;
  readonly busy: boolean;
  /** True when there are pictures already, and the next thing to do is elsewhere. */
  readonly small: boolean;
}

/** Takes files by dropping, choosing or pasting. */
export function DropZone({ onFiles, busy, small }: DropZoneProps) {
  const [over, setOver] = useState(false);
  const take = (list: FileList | null | undefined) => {
    const files = [...(list ?? [])];
    if (files.length > 0) onFiles(files);
  };
  return (
    <label
      class={['drop', over && 'over', small && 'small'].filter(Boolean).join(' ')}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <Icon name="picture" />
      <strong>
        {busy
          ? 'Reading…'
          : `Drop ${small ? 'more' : 'pictures'} here, or choose ${small ? 'files' : 'them'}`}
      </strong>
      {!small && (
        <span class="hint">
          About ten pictures of the character. A character card (PNG, JSON, CHARX), a ZIP of a character
          folder, or a file with dialogues works too. Pasting does as well.
        </span>
      )}
      <input
        type="file"
        multiple
        class="unseen"
        aria-label="Choose pictures, a card or dialogues"
        accept="image/*,.json,.jsonl,.txt,.charx,.zip"
        onChange={(event) => {
          take(event.currentTarget.files);
          event.currentTarget.value = '';
        }}
      />
    </label>
  );
}
