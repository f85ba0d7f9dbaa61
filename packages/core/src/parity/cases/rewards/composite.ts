import { grpoAdvantage, tf } from '@unicharacter/native';
import { compositeReward, groupStatistics, type Scorer, toBytes } from '../../../reward/index.js';
import { windowPenalty } from '../../../reward/similarity/similarity-window.js';
import { take } from '../../case.js';
import type { RewardRunner } from './registry.js';

/** The weights of a case as the manifest writes them; thresholds are absent where the term is off. */
export interface StoredWeights {
  readonly vqa: number;
  readonly clip_t: number;
  readonly diversity_lpips: number;
  readonly dino_penalty: number;
  readonly dino_threshold_high?: number;
  readonly dino_threshold_low?: number;
}

/** A reward whose scores are given; samples are row numbers. */
function stored(name: string, values: readonly number[]): Scorer<number> {
  return {
    name,
    provenance: {},
    score: async (rows) => ({
      values: Float64Array.from(rows, (row) => values[row]!),
      details: rows.map(() => ({})),
    }),
    dispose: () => {},
  };
}

export const compositeCase: RewardRunner = async (_, { inputs }) => {
  const weights = inputs.weights as StoredWeights;
  const { dino_similarity: similarity, ...given } = inputs.components as Record<string, number[]>;
  const window = { high: weights.dino_threshold_high ?? 0.9, low: weights.dino_threshold_low ?? 0.3 };
  const penalty = similarity!.map((s) => windowPenalty(s, window));
  const terms = Object.entries({ ...given, dino_penalty: penalty }).map(([name, values]) => ({
    model: stored(name, values),
    weight: weights[name as keyof StoredWeights]!,
  }));
  const rows = penalty.map((_, row) => row);
  const { totals, parts } = await compositeReward(terms, 'reference').score(rows);
  // A term that is off counts as zero in the reference.
  return { dino_penalty: parts.dino_penalty?.values ?? penalty.map(() => 0), total: totals };
};

export const advantageCase: RewardRunner = (_, { inputs }) => {
  const rewards = inputs.rewards as number[];
  const prompts = (inputs.prompts as string[] | undefined) ?? rewards.map(() => 'all');
  const names = [...new Set(prompts)];
  const groups = prompts.map((prompt) => names.indexOf(prompt));
  const scope = inputs.global_std === true ? 'global' : 'group';
  const advantages = (clip?: number) => {
    const [r, g] = [tf.tensor1d(rewards), tf.tensor1d(groups, 'int32')];
    const made = grpoAdvantage(r, g, clip === undefined ? { scope } : { scope, clip });
    tf.dispose([r, g, made.groups, made.zeroVarianceGroups]);
    return take(made.advantages);
  };
  const statistics = groupStatistics(rewards, groups);
  return {
    advantages: advantages(),
    clipped_5: advantages(5),
    groups: Object.fromEntries([...statistics.groups].map(([group, values]) => [names[group], values])),
    mean_group_std: statistics.meanStd,
    zero_std_ratio: statistics.zeroVarianceRatio,
  };
};

export const toBytesCase: RewardRunner = (golden, { inputs }) => {
  const bytes = (name: string) => {
    const values = golden.values((inputs[name] as { tensor: string }).tensor);
    // One grey pixel per value.
    const data = Float32Array.from({ length: values.length * 3 }, (_, i) => values[Math.floor(i / 3)]!);
    return toBytes({ width: values.length, height: 1, data }).data.filter((_, i) => i % 3 === 0);
  };
  return { levels_u8: bytes('levels'), extra_u8: bytes('extra') };
};
