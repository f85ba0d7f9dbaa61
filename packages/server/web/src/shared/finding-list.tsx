import type { Finding, Missing } from '../api/uploads.js';

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
      {findings.map(({ severity, file, field, message }) => (
        <li key={`${file}${field}${message}`} class={severity}>
          {[file, field].filter((part) => part !== '').join(' ')}
          {file + field === '' ? '' : ': '}
          {message}
        </li>
      ))}
    </ul>
  );
}
