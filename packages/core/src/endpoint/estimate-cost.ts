import { wireSchema } from './answer-schema.js';
import type { AnswerStore } from './answer-store.js';
import type { Usage } from './chat-endpoint.js';
import type { Question } from './question.js';

/** Prices per million tokens, in whatever currency they are given. */
export interface Prices {
  readonly input: number;
  readonly output: number;
}

/** What asking is going to take. */
export interface CostEstimate extends Usage {
  readonly questions: number;
  /** Answers that are there already. */
  readonly stored: number;
  /** Pictures that are sent. */
  readonly pictures: number;
}

/** Characters of English per token, about. */
const CHARACTERS_PER_TOKEN = 4;
/** A picture is counted as tiles of 512 pixels and a constant, as published for OpenAI's models; others differ. */
const TILE = { side: 512, tokens: 170, constant: 85 };

/** Tokens of the questions that are not stored yet. Endpoints count differently: expect this within a factor of two. */
export function estimateCost(
  questions: readonly Question[],
  store: AnswerStore,
  pictureSide: number,
): CostEstimate {
  const missing = questions.filter((question) => !store.find(question));
  const tiles = Math.ceil(pictureSide / TILE.side) ** 2;
  const pictures = missing.reduce((sum, { images }) => sum + images.length, 0);
  const characters = missing.reduce(
    (sum, { system, text, schema }) =>
      sum + system.length + text.length + JSON.stringify(wireSchema(schema)).length,
    0,
  );
  return {
    questions: questions.length,
    stored: questions.length - missing.length,
    pictures,
    inputTokens:
      Math.ceil(characters / CHARACTERS_PER_TOKEN) + pictures * (TILE.constant + tiles * TILE.tokens),
    outputTokens: missing.reduce((sum, { answerTokens }) => sum + answerTokens, 0),
  };
}

/** What tokens cost. */
export const costOf = ({ inputTokens, outputTokens }: Usage, { input, output }: Prices): number =>
  (inputTokens * input + outputTokens * output) / 1e6;
