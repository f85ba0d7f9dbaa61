import { useState } from 'preact/hooks';
import { IconButton } from '../shared/icon-button.js';

interface ConversationEntryProps {
  readonly title: string;
  readonly open: boolean;
  readonly onOpen: () => void;
  readonly onRename: (title: string) => void;
  readonly onRemove: () => void;
}

/** One conversation of the list; it can get a name, and it is deleted after a second question. */
export function ConversationEntry({ title, open, onOpen, onRename, onRemove }: ConversationEntryProps) {
  const [mode, setMode] = useState<'shown' | 'renaming' | 'removing'>('shown');
  const back = () => setMode('shown');
  if (mode === 'renaming') return <Rename title={title} onRename={onRename} onEnd={back} />;
  if (mode === 'removing') {
    return (
      <li class="asking">
        <p>Delete “{title}”?</p>
        <div class="row">
          <button type="button" class="danger" onClick={onRemove}>
            Delete
          </button>
          <button type="button" class="quiet" ref={(button) => button?.focus()} onClick={back}>
            Keep
          </button>
        </div>
      </li>
    );
  }
  return (
    <li>
      <button type="button" class="entry" aria-current={open ? 'true' : undefined} onClick={onOpen}>
        {title}
      </button>
      <IconButton icon="edit" label={`Rename “${title}”`} onClick={() => setMode('renaming')} />
      <IconButton icon="trash" label={`Delete “${title}”`} onClick={() => setMode('removing')} />
    </li>
  );
}

interface RenameProps {
  readonly title: string;
  readonly onRename: (title: string) => void;
  readonly onEnd: () => void;
}

function Rename({ title, onRename, onEnd }: RenameProps) {
  const [draft, setDraft] = useState(title);
  const submit = (event: Event) => {
    event.preventDefault();
    onEnd();
    if (draft.trim() !== '' && draft.trim() !== title) onRename(draft.trim());
  };
  return (
    <li class="asking">
      <form onSubmit={submit}>
        <input
          aria-label="Name of the conversation"
          maxLength={200}
          value={draft}
          ref={(field) => field?.focus()}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Escape' && onEnd()}
        />
        <div class="row">
          <button type="submit">Rename</button>
          <button type="button" class="quiet" onClick={onEnd}>
            Cancel
          </button>
        </div>
      </form>
    </li>
  );
}
