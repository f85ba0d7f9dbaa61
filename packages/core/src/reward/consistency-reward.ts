import { normalisedText, rougeL, words } from '../evaluate/metrics/index.js';
import { type FloatImage, RewardError, type RewardModel, type RewardSample } from './reward-model.js';

/** Answers a question about a picture; usually the unified model that drew it. */
export type AskAboutPicture = (image: FloatImage, question: string) => string | Promise<string>;

/**
 * How an answer is compared with the gold answer. `rouge_l` (default): F1 of the longest common subsequence of words, so
 * that nearly right is worth something; `exact`: 1 when both are equal after normalisation, else 0.
 */
export type AnswerMatch = 'rouge_l' | 'exact';

export interface ConsistencyOptions {
  /**
   * What answers are compared with. `gold` (default): the gold answers of the sample's questions. `reply`: the words that
   * the character said with the picture, so that picture and words tell of the same thing.
   */
  readonly compareWith?: 'gold' | 'reply';
  readonly match?: AnswerMatch;
  /** Asked about a picture without questions when answers are compared with the reply. */
  readonly describeQuestion?: string;
  readonly name?: string;
  /** What answers the questions, for the log. JSON values only. */
  readonly provenance?: Readonly<Record<string, unknown>>;
}

/**
 * Consistency across modalities: the model's own answers about its picture, against gold answers or its reply. Needs no
 * tower. With gold answers the score is the weighted mean of {@link AnswerMatch} over the questions; with the reply it is
 * the mean share of the distinct words of each answer that the reply holds. In [0, 1]. Details: `answers`.
 */
export function consistencyReward(ask: AskAboutPicture, options: ConsistencyOptions = {}): RewardModel {
  const { compareWith = 'gold', match = 'rouge_l', name = 'consistency' } = options;
  const describeQuestion = options.describeQuestion ?? 'What does the picture show?';

  async function withGold(sample: RewardSample, index: number) {
    let score = 0;
    let weights = 0;
    const answers: Record<string, unknown>[] = [];
    for (const { question, answer: gold, weight } of sample.questions) {
      const answer = await ask(sample.image, question);
      const similarity = answerSimilarity(answer, gold, match);
      score += weight * similarity;
      weights += weight;
      answers.push({ question, answer, gold, similarity });
    }
    if (weights > 0) return { score: score / weights, answers };
    throw new RewardError(
      `${name}: sample ${index} ("${sample.prompt}") has no question with a weight above 0; ` +
        'give its prompt questions, or compare with the reply',
    );
  }

  async function withReply(sample: RewardSample, index: number) {
    const { reply } = sample;
    if (reply === undefined) {
      throw new RewardError(`${name}: sample ${index} ("${sample.prompt}") has no reply to compare with`);
    }
    const questions = sample.questions.map(({ question }) => question);
    const answers: Record<string, unknown>[] = [];
    for (const question of questions.length > 0 ? questions : [describeQuestion]) {
      const answer = await ask(sample.image, question);
      answers.push({ question, answer, similarity: heldShare(answer, reply) });
    }
    const score = answers.reduce((sum, { similarity }) => sum + (similarity as number), 0) / answers.length;
    return { score, answers };
  }

  return {
    name,
    provenance: {
      ...options.provenance,
      compareWith,
      ...(compareWith === 'gold' ? { match } : { describeQuestion }),
    },
    async score(samples) {
      const values = new Float64Array(samples.length);
      const details: Record<string, unknown>[] = [];
      for (const [i, sample] of samples.entries()) {
        const { score, answers } = await (compareWith === 'gold' ? withGold : withReply)(sample, i);
        values[i] = score;
        details.push({ answers });
      }
      return { values, details };
    },
    dispose: () => {},
  };
}

/** How well an answer agrees with the gold answer, in [0, 1]. */
export function answerSimilarity(answer: string, gold: string, match: AnswerMatch): number {
  const [own, wanted] = [normalisedText(answer), normalisedText(gold)];
  if (own === wanted) return 1;
  return match === 'exact' ? 0 : rougeL({ hypothesis: own, reference: wanted }).f1;
}

/** Share of the distinct words of `answer` that `reply` holds; 0 for an answer without words. */
function heldShare(answer: string, reply: string): number {
  const own = new Set(words(normalisedText(answer)));
  const held = new Set(words(normalisedText(reply)));
  return own.size === 0 ? 0 : [...own].filter((word) => held.has(word)).length / own.size;
}
