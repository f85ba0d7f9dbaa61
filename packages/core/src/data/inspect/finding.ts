/** One thing that a look at the data brought up. */
export interface Finding {
  /** error: training would fail or learn nonsense; warning: probably not meant; info: worth knowing. */
  severity: 'error' | 'warning' | 'info';
  file: string;
  /** JSON pointer or line inside the file; '' when the finding is about the whole file. */
  field: string;
  message: string;
}

/** Text as far as it matters for "the same question": case, spacing and closing punctuation do not. */
export function normalised(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .replace(/[\s.?!]+$/, '')
    .trim();
}
