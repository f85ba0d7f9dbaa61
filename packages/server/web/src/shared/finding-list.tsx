import type { Finding, Missing } from '../api/uploads.js';
import { inPlainWords } from './task-words.js';

interface FindingListProps {
  readonly findings?: readonly Finding[];
  readonly missing?: readonly Missing[];
}

/** What the doctor found, with the file and the place in it. */
export function FindingList({ findings = [], missing = [] }: FindingListProps) {
  return (
    <ul class="remarks">
      {missing.map(({ what, required, message }) => (
        <li key={what} class={required ? 'error' : 'info'}>
          {message}
        </li>
      ))}
      {inPlainWords(findings).map((finding) => {
        const place = 'file' in finding ? [finding.file, finding.field].filter((part) => part !== '') : [];
        return (
          <li key={`${place} ${finding.message}`} class={finding.severity}>
            {place.length > 0 && `${place.join(' ')}: `}
            {finding.message}
          </li>
        );
      })}
    </ul>
  );
}
