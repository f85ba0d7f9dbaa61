import type { Finding } from '../api/uploads.js';

const TASKS: Readonly<Record<string, string>> = {
  dialogue: 'Talking',
  thinking: 'Planning a picture',
  knowledge_qa: 'Facts',
  vqa: 'Looking at pictures',
  t2i: 'Drawing',
  t2i_with_thinking: 'Drawing after a plan',
  t2i_instruction: 'Drawing as told',
};

/** What a training task teaches, as people say it. */
export const taskWords = (task: string): string => TASKS[task] ?? task;

/** The doctor's words about a task that the data have nothing for, one finding a task. */
const NOTHING_FOR = /^nothing to train the task (\w+) with/;

/** Findings with those about tasks without data as one sentence in plain words. */
export function inPlainWords<T extends Pick<Finding, 'severity' | 'message'>>(
  findings: readonly T[],
): (T | Pick<Finding, 'severity' | 'message'>)[] {
  const tasks = findings.flatMap(({ message }) => NOTHING_FOR.exec(message)?.[1] ?? []);
  const others = findings.filter(({ message }) => !NOTHING_FOR.test(message));
  if (tasks.length === 0) return others;
  const names = tasks.map((task) => taskWords(task).toLowerCase()).join(', ');
  return [...others, { severity: 'info', message: `The data have nothing to teach these with: ${names}.` }];
}
