import { DialogueRows } from './dialogue-rows.js';
import { type Draft, type DraftPicture, emptyDialogue, emptyFact } from './draft.js';
import { FactRows } from './fact-rows.js';
import { PictureList } from './picture-list.js';
import type { Place, Remark } from './place-findings.js';
import { Remarks } from './remarks.js';
import { TextField } from './text-field.js';

interface ProfileFieldsProps {
  readonly draft: Draft;
  readonly remarks: ReadonlyMap<Place, readonly Remark[]>;
  readonly onChange: (change: Partial<Draft>) => void;
  readonly onRemovePicture: (picture: DraftPicture) => void;
}

const replaced = <T extends { readonly key: string }>(rows: readonly T[], row: T): T[] =>
  rows.map((one) => (one.key === row.key ? row : one));

const without = <T extends { readonly key: string }>(rows: readonly T[], key: string): T[] =>
  rows.filter((one) => one.key !== key);

/** Everything about a character that is not a card. */
export function ProfileFields({ draft, remarks, onChange, onRemovePicture }: ProfileFieldsProps) {
  const { name, pictures, dialogues, facts } = draft;
  return (
    <>
      <section class="panel" aria-label="Pictures" hidden={pictures.length === 0 && !remarks.has('pictures')}>
        <h2>Pictures</h2>
        <p class="hint">
          Say what each one shows, in the words with which you would ask for it. Without words it is “A
          picture of {name || 'the character'}”.
        </p>
        <Remarks remarks={remarks} of="pictures" />
        <PictureList
          name={name}
          pictures={pictures}
          remarks={remarks}
          onRemove={onRemovePicture}
          onCaption={(key, caption) =>
            onChange({ pictures: pictures.map((one) => (one.key === key ? { ...one, caption } : one)) })
          }
        />
      </section>
      <section class="panel" aria-label="Who it is">
        <h2>Who it is</h2>
        <Remarks remarks={remarks} of="" />
        <TextField
          label="Name"
          place="name"
          required
          maxLength={200}
          placeholder="Robin"
          value={name}
          remarks={remarks}
          onValue={(value) => onChange({ name: value })}
        />
        <TextField
          label="Profile"
          place="description"
          hint="Two or three sentences that the model is told every time: who it is, how it looks, how it speaks."
          rows={3}
          required
          placeholder="Robin is a small bird with a red chest. He collects buttons, talks fast and says peep when he is proud."
          value={draft.description}
          remarks={remarks}
          onValue={(description) => onChange({ description })}
        />
        <TextField
          label="Opening line"
          place="opening"
          hint="What it says first."
          placeholder="Peep! Have you seen my new button?"
          value={draft.opening}
          remarks={remarks}
          onValue={(opening) => onChange({ opening })}
        />
      </section>
      <section class="panel" aria-label="Dialogues">
        <h2>Dialogues</h2>
        <p class="hint">
          How it talks. A file with dialogues (text or JSON) can be dropped above; a recognisable voice needs
          about fifty.
        </p>
        <Remarks remarks={remarks} of="dialogues" />
        <DialogueRows
          name={name}
          dialogues={dialogues}
          pictures={pictures}
          remarks={remarks}
          onChange={(row) => onChange({ dialogues: replaced(dialogues, row) })}
          onRemove={(key) => onChange({ dialogues: without(dialogues, key) })}
          onAdd={() => onChange({ dialogues: [...dialogues, emptyDialogue()] })}
        />
      </section>
      <details class="panel" open={facts.length > 0 || remarks.has('facts')}>
        <summary>Facts it should know</summary>
        <Remarks remarks={remarks} of="facts" />
        <FactRows
          facts={facts}
          remarks={remarks}
          onChange={(row) => onChange({ facts: replaced(facts, row) })}
          onRemove={(key) => onChange({ facts: without(facts, key) })}
          onAdd={() => onChange({ facts: [...facts, emptyFact()] })}
        />
      </details>
    </>
  );
}
