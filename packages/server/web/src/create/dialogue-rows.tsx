import { Icon } from '../shared/icon.js';
import { IconButton } from '../shared/icon-button.js';
import type { DraftDialogue, DraftPicture } from './draft.js';
import type { Place, Remark } from './place-findings.js';
import { Remarks, remarksId } from './remarks.js';

interface DialogueRowsProps {
  readonly name: string;
  readonly dialogues: readonly DraftDialogue[];
  readonly pictures: readonly DraftPicture[];
  readonly remarks: ReadonlyMap<Place, readonly Remark[]>;
  readonly onChange: (dialogue: DraftDialogue) => void;
  readonly onRemove: (key: string) => void;
  readonly onAdd: () => void;
}

/** What people say to the character, and what it answers. */
export function DialogueRows(props: DialogueRowsProps) {
  const { name, dialogues, pictures, remarks, onChange, onRemove, onAdd } = props;
  const who = name || 'The character';
  return (
    <>
      <ol class="pairs">
        {dialogues.map((dialogue, index) => {
          const number = index + 1;
          const described = { 'aria-describedby': remarksId(dialogue.key) };
          return (
            <li key={dialogue.key}>
              <textarea
                rows={1}
                aria-label={`Someone says, ${number}`}
                placeholder="Someone says"
                value={dialogue.user}
                onInput={(event) => onChange({ ...dialogue, user: event.currentTarget.value })}
                {...described}
              />
              <textarea
                rows={1}
                aria-label={`${who} answers, ${number}`}
                placeholder={`${who} answers`}
                value={dialogue.reply}
                onInput={(event) => onChange({ ...dialogue, reply: event.currentTarget.value })}
                {...described}
              />
              {pictures.length > 0 && (
                <select
                  aria-label={`Picture with answer ${number}`}
                  value={dialogue.picture}
                  onChange={(event) => onChange({ ...dialogue, picture: event.currentTarget.value })}
                >
                  <option value="">no picture</option>
                  {pictures.map(({ key }, at) => (
                    <option key={key} value={key}>
                      picture {at + 1}
                    </option>
                  ))}
                </select>
              )}
              <IconButton
                icon="close"
                label={`Remove dialogue ${number}`}
                onClick={() => onRemove(dialogue.key)}
              />
              <Remarks remarks={remarks} of={dialogue.key} />
            </li>
          );
        })}
      </ol>
      <button type="button" class="quiet fit" onClick={onAdd}>
        <Icon name="plus" />
        Add a dialogue
      </button>
    </>
  );
}
