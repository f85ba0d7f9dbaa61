import type { RewardCase, RewardGolden } from './golden.js';
import { multipleChoiceCase, pairMetricsCase } from './metrics.js';

/** Computes the outputs of a case by their names in the manifest; leaves no tensor behind. */
export type RewardRunner = (
  golden: RewardGolden,
  entry: RewardCase,
) => Promise<Record<string, unknown>> | Record<string, unknown>;

const RUNNERS: readonly (readonly [pattern: RegExp, runner: RewardRunner])[] = [
  [/^metrics\.pairs$/, pairMetricsCase],
  [/^metrics\.multiple_choice$/, multipleChoiceCase],
];

/** How a case is computed; undefined for a case that is not supported. */
export function rewardRunnerOf(id: string): RewardRunner | undefined {
  return RUNNERS.find(([pattern]) => pattern.test(id))?.[1];
}
