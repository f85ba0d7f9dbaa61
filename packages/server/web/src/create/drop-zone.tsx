import { useState } from 'preact/hooks';
import { Icon } from '../shared/icon.js';

/** Takes files by dropping, choosing or pasting. */
export function DropZone({ onFiles, busy }: { onFiles: (files: File[]) => void; busy: boolean }) {
  const [over, setOver] = useState(false);
  const take = (list: FileList | null | undefined) => {
    const files = [...(list ?? [])];
    if (files.length > 0) onFiles(files);
  };
  return (
    <label
      class={over ? 'drop over' : 'drop'}
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
      <strong>{busy ? 'Reading…' : 'Drop pictures here, or choose them'}</strong>
      <span class="hint">
        About ten pictures of the character. A character card (PNG, JSON, CHARX), a ZIP of a character folder,
        or a file with dialogues works too. Pasting does as well.
      </span>
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
