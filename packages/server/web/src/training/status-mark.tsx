import type { JobStatus } from '../api/jobs.js';
import { statusWords } from './words.js';

/** The status of a job as a word in its colour. */
export function StatusMark({ status }: { status: JobStatus }) {
  return <strong class={`mark ${status}`}>{statusWords(status)}</strong>;
}
