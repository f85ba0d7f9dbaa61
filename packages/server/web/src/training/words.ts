/** Numbers and names of a training as people read them. */
import type { JobStatus } from '../api/jobs.js';

const STAGES: Readonly<Record<string, string>> = {
  vae: 'Learning to see',
  sft: 'Learning the character',
  grpo: 'Learning from rewards',
  'text-grpo': 'Learning from rewards for replies',
};

const STATUSES: Readonly<Record<JobStatus, string>> = {
  queued: 'Waiting',
  running: 'Training',
  paused: 'Paused',
  succeeded: 'Finished',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

export const stageWords = (stage: string): string => STAGES[stage] ?? stage;
export const statusWords = (status: JobStatus): string => STATUSES[status];

/** `95` → `1 min 35 s`. */
export function durationWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytesWords(bytes: number): string {
  const gibibytes = bytes / 2 ** 30;
  return gibibytes >= 1 ? `${gibibytes.toFixed(1)} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

/** `10123456` → `10.1 million`. */
export function countWords(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} billion`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} million`;
  return count.toLocaleString('en');
}

export const percentWords = (part: number): string => `${Math.round(part * 100)} %`;

/** Seconds since 1970 as a date and time of the reader. */
export const dateWords = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' });
