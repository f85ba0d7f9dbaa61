import {
  blipAnswerCase,
  blipDecodeCase,
  blipExactMatchCase,
  blipFallbackCase,
  blipGenerateCase,
  blipMaxLengthCase,
  blipScoreCase,
  blipScoreRuleCase,
  blipTokenizeCase,
  blipVisionCase,
} from './blip.js';
import {
  clipImageSimilarityCase,
  clipProcessorCase,
  clipRewardCase,
  clipTextCase,
  clipTokenizeCase,
  vendiCase,
} from './clip.js';
import { advantageCase, compositeCase, toBytesCase } from './composite.js';
import { dinoFeaturesCase, dinoHingeCase, dinoPreprocessCase } from './dino.js';
import { endToEndCase } from './end-to-end.js';
import type { RewardCase, RewardGolden } from './golden.js';
import { lpipsGroupCase, lpipsPairsCase } from './lpips.js';
import { multipleChoiceCase, pairMetricsCase } from './metrics.js';

/** Computes the outputs of a case by their names in the manifest; leaves no tensor behind. */
export type RewardRunner = (
  golden: RewardGolden,
  entry: RewardCase,
) => Promise<Record<string, unknown>> | Record<string, unknown>;

const RUNNERS: readonly (readonly [pattern: RegExp, runner: RewardRunner])[] = [
  [/^clip\.tokenize$/, clipTokenizeCase],
  [/^clip\.text$/, clipTextCase],
  [/^clip\.reward\./, clipRewardCase],
  [/^clip\.image_similarity$/, clipImageSimilarityCase],
  [/^clip\.processor_path$/, clipProcessorCase],
  [/^dino\.preprocess$/, dinoPreprocessCase],
  [/^dino\.features\./, dinoFeaturesCase],
  [/^dino\.hinge\./, dinoHingeCase],
  [/^blip\.tokenize$/, blipTokenizeCase],
  [/^blip\.decode$/, blipDecodeCase],
  [/^blip\.vision$/, blipVisionCase],
  [/^blip\.answer\./, blipAnswerCase],
  [/^blip\.generate$/, blipGenerateCase],
  [/^blip\.generate\.max_length$/, blipMaxLengthCase],
  [/^blip\.score$/, blipScoreCase],
  [/^blip\.exact_match_rule$/, blipExactMatchCase],
  [/^blip\.score_rule$/, blipScoreRuleCase],
  [/^blip\.fallback_rule$/, blipFallbackCase],
  [/^composite\.end_to_end$/, endToEndCase],
  [/^lpips\.pairs\./, lpipsPairsCase],
  [/^lpips\.group\./, lpipsGroupCase],
  [/^lpips\.vendi\./, vendiCase],
  [/^composite\.(?!end_to_end)/, compositeCase],
  [/^advantage\./, advantageCase],
  [/^image\.to_uint8$/, toBytesCase],
  [/^metrics\.pairs$/, pairMetricsCase],
  [/^metrics\.multiple_choice$/, multipleChoiceCase],
];

/** How a case is computed; undefined for a case that is not supported. */
export function rewardRunnerOf(id: string): RewardRunner | undefined {
  return RUNNERS.find(([pattern]) => pattern.test(id))?.[1];
}
