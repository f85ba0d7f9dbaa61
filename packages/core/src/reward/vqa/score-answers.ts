/** A question that was answered. Data files write gold answers as texts, numbers or truth values. */
export interface AnsweredQuestion {
  readonly question: unknown;
  readonly answer: unknown;
  /** 1 when absent. */
  readonly weight?: number | undefined;
  readonly predicted: string;
}

/** Whether an answer is the gold answer: trimmed and lower-cased, against the lower-cased gold, which is not trimmed. */
export function isAnswerRight(predicted: string, gold: unknown): boolean {
  return predicted.trim().toLowerCase() === String(gold).toLowerCase();
}

/** Whether a question counts: neither it nor its gold answer is empty, 0 or false. */
export function isUsable({ question, answer }: { question: unknown; answer: unknown }): boolean {
  return Boolean(question) && Boolean(answer);
}

/**
 * Weighted share of right answers, `Σ w · match / Σ w`, over the questions that count; 0 when their weights sum to 0
 * (rewards specification §5.5).
 */
export function scoreAnswers(questions: readonly AnsweredQuestion[]): number {
  let right = 0;
  let all = 0;
  for (const { predicted, answer, weight = 1 } of questions.filter(isUsable)) {
    all += weight;
    if (isAnswerRight(predicted, answer)) right += weight;
  }
  return all === 0 ? 0 : right / all;
}

const POSITIVE = ['yes', 'true', 'correct', 'accurate', 'depicts', 'shows'];
const NEGATIVE = ['no', 'false', 'incorrect', 'not', "doesn't", 'does not'];

/** The question of the reference about a picture whose prompt has none. */
export const depictsQuestion = (prompt: string) => `Does this image accurately depict: ${prompt}?`;

/**
 * Score of the answer to {@link depictsQuestion} as the reference reads it, by substrings: 1 for any positive word, else 0
 * for any negative one, else 1/2. So "incorrect" scores 1 and "know" 0; kept for parity only.
 */
export function scoreDepicts(answer: string): number {
  const text = answer.toLowerCase();
  if (POSITIVE.some((word) => text.includes(word))) return 1;
  return NEGATIVE.some((word) => text.includes(word)) ? 0 : 0.5;
}
