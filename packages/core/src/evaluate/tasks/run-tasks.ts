import { drawScene } from '../../data/toy-world/index.js';
import type { AskProgress } from '../../endpoint/index.js';
import { AbortedError } from '../../generate/index.js';
import type { CharacterEngine } from '../../run/character-engine.js';
import { generalCharacter } from './general-tasks.js';
import type { Outcome, ResultStore } from './result-store.js';
import type { FinishedTask, Task } from './task.js';

/** What an evaluation needs of a character. */
export type EvaluatedEngine = Pick<CharacterEngine, 'reply' | 'ask' | 'answer' | 'imagine' | 'illustrate'>;

/** Progress of tasks and of what a language model is asked about them. */
export type TaskProgress = AskProgress;

export interface TaskRunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onTask?: ((progress: TaskProgress) => void) | undefined;
}

/**
 * Works through tasks in order, storing every result as it comes.
 * @param engineFor what a task is asked of
 * @throws AbortedError when the signal is aborted; results up to then are stored
 */
export async function runTasks(
  engineFor: (task: Task) => EvaluatedEngine,
  tasks: readonly Task[],
  store: ResultStore,
  { signal, onTask }: TaskRunOptions = {},
): Promise<FinishedTask[]> {
  const finished: FinishedTask[] = [];
  const stored = tasks.map((task) => store.find(task));
  const missing = stored.filter((result) => result === undefined).length;
  const started = performance.now();
  let worked = 0;
  for (const [i, task] of tasks.entries()) {
    const known = stored[i];
    const outcome = known ?? (await perform(engineFor(task), task, signal));
    // An aborted reply ends early instead of throwing; half a reply is no result.
    if (signal?.aborted) throw new AbortedError();
    const result = known ?? (await store.add(task, outcome as Outcome));
    if (!known) worked++;
    finished.push({ task, result });
    const seconds = (performance.now() - started) / 1000;
    const etaSeconds = worked === 0 ? 0 : (seconds / worked) * (missing - worked);
    onTask?.({ task, done: finished.length, total: tasks.length, reused: known !== undefined, etaSeconds });
  }
  return finished;
}

async function perform(
  engine: EvaluatedEngine,
  task: Task,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  const stop = signal ? { signal } : {};
  switch (task.kind) {
    case 'question': {
      const { question, image } = task;
      const request = { question, ...stop };
      const { text } = await (image === undefined
        ? engine.answer(request)
        : engine.ask({ ...request, image }));
      return { text };
    }
    case 'reply': {
      const { text } = await engine.reply({ user: task.user, seed: task.seed, ...stop });
      return { text };
    }
    case 'general_picture':
    case 'picture': {
      const { image } = await engine.imagine({ prompt: task.prompt, seed: task.seed, ...stop });
      return { image };
    }
    case 'role_play': {
      const { user, seed } = task;
      const { text } = await engine.reply({ user, seed, ...stop });
      return { text, image: await engine.illustrate({ user, reply: text, seed, ...stop }) };
    }
    case 'general_question': {
      const { look, train } = generalCharacter(task.character);
      const image = await drawScene(look, train[0]!.scene, task.side);
      const { text } = await engine.ask({ question: task.question, image, ...stop });
      return { text };
    }
    case 'general_reply': {
      const { character, user, seed } = task;
      const { text } = await engine.reply({ as: character, user, seed, ...stop });
      return { text };
    }
  }
}
