import { useState } from 'preact/hooks';
import { Icon } from '../shared/icon.js';
import { IconButton } from '../shared/icon-button.js';
import { Picture } from '../shared/picture.js';
import { EditTurn } from './edit-turn.js';
import type { StoredMessage } from './message-tree.js';

interface TurnProps {
  /** The character's name. */
  readonly name: string;
  readonly message: StoredMessage;
  /** Everything said in this place, in the order of arrival. */
  readonly alternatives: readonly StoredMessage[];
  readonly busy: boolean;
  readonly onChoose: (message: StoredMessage) => void;
  readonly onEdit: (text: string) => void;
  readonly onAgain?: () => void;
  readonly onGoOn?: () => void;
}

/** What one side said, with a switch between the alternatives. */
export function Turn({ name, message, alternatives, busy, onChoose, onEdit, onAgain, onGoOn }: TurnProps) {
  const [editing, setEditing] = useState(false);
  const { role, content, picture } = message;
  const own = role === 'user';
  if (editing) {
    return <EditTurn own={own} text={content} onText={onEdit} onEnd={() => setEditing(false)} />;
  }
  return (
    <article class={own ? 'turn user' : 'turn'} aria-label={own ? 'You' : name}>
      {content !== '' && <p>{content}</p>}
      {picture && (
        <Picture source={picture} alt={own ? 'The picture you showed' : `Drawn by ${name}: ${content}`} />
      )}
      <div class="tools">
        <Alternatives message={message} all={alternatives} busy={busy} onChoose={onChoose} />
        <IconButton icon="edit" label="Edit" disabled={busy} onClick={() => setEditing(true)} />
        {onAgain && (
          <button type="button" class="tool" onClick={onAgain}>
            <Icon name="again" />
            Answer again
          </button>
        )}
        {onGoOn && (
          <button type="button" class="tool" onClick={onGoOn}>
            <Icon name="more" />
            Go on
          </button>
        )}
      </div>
    </article>
  );
}

interface AlternativesProps {
  readonly message: StoredMessage;
  readonly all: readonly StoredMessage[];
  readonly busy: boolean;
  readonly onChoose: (message: StoredMessage) => void;
}

function Alternatives({ message, all, busy, onChoose }: AlternativesProps) {
  if (all.length < 2) return null;
  const at = all.findIndex(({ id }) => id === message.id);
  const what = message.role === 'user' ? 'version' : 'answer';
  const step = (by: -1 | 1, label: string, icon: 'left' | 'right') => {
    const next = all[at + by];
    return (
      <IconButton icon={icon} label={label} disabled={busy || !next} onClick={() => next && onChoose(next)} />
    );
  };
  return (
    <span class="alternatives">
      {step(-1, `Previous ${what}`, 'left')}
      <span>
        {at + 1} of {all.length}
      </span>
      {step(1, `Next ${what}`, 'right')}
    </span>
  );
}
