import {
  bleu1,
  chrf,
  distinctN,
  exactMatchNormalised,
  exactMatchStrict,
  isChoiceCorrect,
  rougeL,
  selectedChoice,
  type TextPair,
} from '../../../evaluate/metrics/index.js';
import type { RewardRunner } from './registry.js';

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Text metrics of single pairs and of the corpus (rewards specification §8). */
export const pairMetricsCase: RewardRunner = (golden, entry) => {
  const pairs = golden.json<TextPair[]>(entry.inputs.pairs as string);
  const perPair = pairs.map((pair) => ({
    exact_match_strict: exactMatchStrict(pair),
    exact_match_normalised: exactMatchNormalised(pair),
    rouge_l: rougeL(pair),
    bleu_1: bleu1([pair]),
    chrf: chrf([pair]),
    distinct_1: distinctN([pair.hypothesis], 1),
    distinct_2: distinctN([pair.hypothesis], 2),
  }));
  const texts = pairs.map(({ hypothesis }) => hypothesis);
  const corpus = {
    exact_match_strict: mean(perPair.map((m) => m.exact_match_strict)),
    exact_match_normalised: mean(perPair.map((m) => m.exact_match_normalised)),
    rouge_l_f1_mean: mean(perPair.map((m) => m.rouge_l.f1)),
    bleu_1_mean: mean(perPair.map((m) => m.bleu_1)),
    bleu_1_corpus: bleu1(pairs),
    chrf_mean: mean(perPair.map((m) => m.chrf)),
    chrf_corpus: chrf(pairs),
    distinct_1_corpus: distinctN(texts, 1),
    distinct_2_corpus: distinctN(texts, 2),
  };
  return { per_pair: perPair, corpus };
};

interface ChoiceItem {
  readonly prediction: string;
  readonly choices: readonly string[];
  readonly answer: string;
}

/** Choices selected from free-form answers, and how many are right (rewards specification §8). */
export const multipleChoiceCase: RewardRunner = (golden, entry) => {
  const items = golden.json<ChoiceItem[]>(entry.inputs.items as string);
  const correct = items.map(({ prediction, choices, answer }) =>
    isChoiceCorrect(prediction, choices, answer) ? 1 : 0,
  );
  return {
    multiple_choice: {
      selected: items.map(({ prediction, choices }) => selectedChoice(prediction, choices)),
      accuracy: mean(correct),
    },
  };
};
