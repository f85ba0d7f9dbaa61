import type { Place, Remark } from './place-findings.js';
import { Remarks, remarksId } from './remarks.js';

interface TextFieldProps {
  readonly label: string;
  readonly place: Place;
  readonly value: string;
  readonly hint?: string;
  readonly placeholder?: string;
  readonly rows?: number;
  readonly required?: boolean;
  readonly maxLength?: number;
  readonly remarks: ReadonlyMap<Place, readonly Remark[]>;
  readonly onValue: (value: string) => void;
}

/** A text of the form with the remarks about it. */
export function TextField({ label, place, hint, rows = 1, remarks, onValue, ...field }: TextFieldProps) {
  const id = `field-${place}`;
  const props = {
    ...field,
    id,
    'aria-describedby': remarksId(place),
    onInput: (event: { currentTarget: { value: string } }) => onValue(event.currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>
        <span>{label}</span>
        {hint && <span class="hint">{hint}</span>}
        {rows === 1 ? <input {...props} /> : <textarea rows={rows} {...props} />}
      </label>
      <Remarks remarks={remarks} of={place} />
    </div>
  );
}
