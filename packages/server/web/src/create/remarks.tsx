import type { Place, Remark } from './place-findings.js';

interface RemarksProps {
  readonly remarks: ReadonlyMap<Place, readonly Remark[]>;
  readonly of: Place;
}

/** Id of the remarks about a place, for `aria-describedby`. */
export const remarksId = (place: Place): string => `remarks-${place}`;

/** What the doctor says about one place of the form. */
export function Remarks({ remarks, of }: RemarksProps) {
  const own = remarks.get(of) ?? [];
  return (
    <ul class="remarks" id={remarksId(of)}>
      {own.map(({ severity, message }) => (
        <li key={message} class={severity}>
          {message}
        </li>
      ))}
    </ul>
  );
}
