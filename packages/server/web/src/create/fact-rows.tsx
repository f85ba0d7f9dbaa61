import { Icon } from '../shared/icon.js';
import { IconButton } from '../shared/icon-button.js';
import type { DraftFact } from './draft.js';
import type { Place, Remark } from './place-findings.js';
import { Remarks, remarksId } from './remarks.js';

interface FactRowsProps {
  readonly facts: readonly DraftFact[];
  readonly remarks: ReadonlyMap<Place, readonly Remark[]>;
  readonly onChange: (fact: DraftFact) => void;
  readonly onRemove: (key: string) => void;
  readonly onAdd: () => void;
}

/** Questions about the character and the right answers. */
export function FactRows({ facts, remarks, onChange, onRemove, onAdd }: FactRowsProps) {
  return (
    <>
      <ol class="pairs">
        {facts.map((fact, index) => (
          <li key={fact.key}>
            <textarea
              rows={1}
              aria-label={`Question ${index + 1}`}
              aria-describedby={remarksId(fact.key)}
              placeholder="What does Robin collect?"
              value={fact.question}
              onInput={(event) => onChange({ ...fact, question: event.currentTarget.value })}
            />
            <textarea
              rows={1}
              aria-label={`Answer ${index + 1}`}
              aria-describedby={remarksId(fact.key)}
              placeholder="Robin collects buttons."
              value={fact.answer}
              onInput={(event) => onChange({ ...fact, answer: event.currentTarget.value })}
            />
            <IconButton icon="close" label={`Remove fact ${index + 1}`} onClick={() => onRemove(fact.key)} />
            <Remarks remarks={remarks} of={fact.key} />
          </li>
        ))}
      </ol>
      <button type="button" class="quiet fit" onClick={onAdd}>
        <Icon name="plus" />
        Add a fact
      </button>
    </>
  );
}
