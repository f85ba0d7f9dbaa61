import type { AnswerStore } from './answer-store.js';
import type { ChatEndpoint, Usage } from './chat-endpoint.js';
import { type EndpointError, InvalidAnswerError } from './endpoint-error.js';
import { inParallel } from './in-parallel.js';
import type { Question } from './question.js';

export interface AskProgress {
  readonly task: { readonly id: string };
  readonly done: number;
  readonly total: number;
  /** Was there already. */
  readonly reused: boolean;
  /** Seconds that the rest will take at the pace of this call; 0 when nothing was asked yet. */
  readonly etaSeconds: number;
}

export interface AskOptions {
  /** Requests at a time. */
  readonly concurrency: number;
  readonly signal?: AbortSignal | undefined;
  readonly onTask?: ((progress: AskProgress) => void) | undefined;
}

/** Answers by the id of their question. */
export interface Answers {
  readonly byId: ReadonlyMap<string, unknown>;
  /** Ids of those that were changed by hand. */
  readonly edited: readonly string[];
  /** Questions that were asked now, and what that cost. */
  readonly asked: number;
  readonly usage: Usage;
}

/** The answer to a question of the list that was asked. */
export const answerTo = <Answer>({ byId }: Pick<Answers, 'byId'>, { id }: Question<Answer>): Answer =>
  byId.get(id) as Answer;

/**
 * Asks what is not stored yet, storing every answer as it comes. Stopped or failed, the same call goes on.
 * @throws EndpointError when the endpoint refuses or does not answer; InvalidAnswerError, after everything else was asked,
 *   naming the questions without a usable answer; the reason of the signal when that is aborted
 */
export async function askAll(
  questions: readonly Question[],
  endpoint: ChatEndpoint,
  store: AnswerStore,
  { concurrency, signal, onTask }: AskOptions,
): Promise<Answers> {
  const known = questions.map((question) => ({ question, known: store.find(question) }));
  const missing = known.flatMap(({ question, known: answer }) => (answer ? [] : [question]));
  const byId = new Map<string, unknown>();
  const failures: string[] = [];
  let [inputTokens, outputTokens] = [0, 0];
  const started = performance.now();
  const report = ({ id }: Question, reused: boolean) => {
    const worked = byId.size + failures.length - (questions.length - missing.length);
    const pace = worked > 0 ? (performance.now() - started) / 1000 / worked : 0;
    const done = byId.size + failures.length;
    onTask?.({
      task: { id },
      done,
      total: questions.length,
      reused,
      etaSeconds: pace * (missing.length - worked),
    });
  };
  for (const { question, known: answer } of known) {
    if (!answer) continue;
    byId.set(question.id, answer.answer);
    report(question, true);
  }
  await inParallel(missing, concurrency, async (question) => {
    signal?.throwIfAborted();
    try {
      const answered = await endpoint.ask(question, signal);
      store.add(question, answered);
      byId.set(question.id, answered.answer);
      inputTokens += answered.usage.inputTokens;
      outputTokens += answered.usage.outputTokens;
    } catch (error) {
      if (!(error instanceof InvalidAnswerError)) throw error;
      failures.push(error.message);
    }
    report(question, false);
  });
  if (failures.length > 0) throw unanswered(failures, questions.length);
  return {
    byId,
    edited: known.flatMap(({ question, known: answer }) => (answer?.edited ? [question.id] : [])),
    asked: missing.length,
    usage: { inputTokens, outputTokens },
  };
}

function unanswered(failures: readonly string[], of: number): EndpointError {
  return new InvalidAnswerError(
    `${failures.length} of ${of} questions have no usable answer:\n${failures.join('\n')}\n` +
      'The others are stored; give the same command again to ask only these, perhaps with another model or prompt',
  );
}
