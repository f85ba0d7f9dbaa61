import { grpoAdvantage, tf } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import type { RgbImage } from '../../image/index.js';
import {
  type CompositeReward,
  type CompositeScores,
  featureDistance,
  groupStatistics,
  meanImageStatistics,
  nearestTrainingSimilarity,
  type RewardSample,
  thumbnailFeatures,
  toBytes,
} from '../../reward/index.js';
import type { ImageGroup } from './image-group.js';

/** Total and parts of the rewards of one group's samples, in order. */
export interface GroupRewards {
  readonly total: number[];
  readonly parts: Record<string, number[]>;
}

/** What the rewards say about an epoch. */
export interface Judgement {
  /** [samples] of all groups, in order */
  readonly advantages: Float32Array;
  /** Groups whose rewards are all equal. */
  readonly flat: boolean[];
  readonly byGroup: GroupRewards[];
  /** Mean reward `total` and its parts, not weighted. */
  readonly means: Record<string, number>;
  readonly measures: Record<string, number>;
}

/** Rewards of equal groups differ by less than this. */
const EQUAL = 1e-6;

/** Judges the pictures of an epoch, and measures what betrays collapse or a hacked reward. */
export async function judgeImages(
  groups: readonly ImageGroup[],
  reward: CompositeReward<RewardSample>,
  references: readonly RgbImage[],
  policy: Pick<TrainConfig['grpo'], 'advantageScope' | 'advantageClip'>,
): Promise<Judgement> {
  const samples: RewardSample[] = groups.flatMap(({ sample, images }, group) =>
    images.map((image) => ({ image, group, references, ...sample })),
  );
  const judgement = compare(
    await reward.score(samples),
    samples.map(({ group }) => group),
    policy,
  );
  const pictures = samples.map(({ image }) => toBytes(image));
  const { colourEntropy, edgeDensity } = meanImageStatistics(pictures);
  const nearest = nearestTrainingSimilarity(pictures, references);
  const similarity = mean(nearest.map((entry) => entry.similarity));
  const diversity = mean(groups.map(({ images }) => meanDistance(images.map(toBytes))));
  const looks = { diversity, similarity, colourEntropy, edgeDensity };
  return { ...judgement, measures: { ...judgement.measures, ...looks } };
}

/** Mean distance of the thumbnails of a group: a plain measure that no reward can be tuned to. */
function meanDistance(images: readonly RgbImage[]): number {
  const distances = featureDistance(thumbnailFeatures()).distances(images);
  return distances.reduce((sum, distance) => sum + distance, 0) / (images.length * (images.length - 1));
}

/** Compares the samples of each group with each other (spec 7.6). */
export function compare(
  { totals, parts }: CompositeScores,
  groups: readonly number[],
  { advantageScope, advantageClip }: Pick<TrainConfig['grpo'], 'advantageScope' | 'advantageClip'>,
): Judgement {
  const statistics = groupStatistics(totals, groups);
  const byGroup = [...statistics.groups.keys()].map((group) => {
    const own = <T>(values: ArrayLike<T>) => Array.from(values).filter((_, i) => groups[i] === group);
    return {
      total: own(totals),
      parts: Object.fromEntries(Object.entries(parts).map(([name, { values }]) => [name, own(values)])),
    };
  });
  const means = Object.fromEntries(Object.entries(parts).map(([name, { values }]) => [name, mean(values)]));
  // A reward that is the same for all samples of a prompt teaches nothing, however high it is.
  const spreads = Object.fromEntries(
    Object.entries(parts).map(([name, { values }]) => [
      `spread/${name}`,
      groupStatistics(values, groups).meanStd,
    ]),
  );
  const options = { scope: advantageScope, clip: advantageClip };
  return {
    advantages: advantagesOf(totals, groups, options),
    flat: [...statistics.groups.values()].map(({ std }) => std < EQUAL),
    byGroup,
    means: { total: mean(totals), ...means },
    measures: { rewardStd: statistics.meanStd, zeroVariance: statistics.zeroVarianceRatio, ...spreads },
  };
}

function advantagesOf(
  totals: Float64Array,
  groups: readonly number[],
  options: Parameters<typeof grpoAdvantage>[2],
): Float32Array {
  return tf.tidy(() => {
    const rewards = tf.tensor1d(Float32Array.from(totals));
    const ids = tf.tensor1d([...groups], 'int32');
    return grpoAdvantage(rewards, ids, options).advantages.dataSync<'float32'>();
  });
}

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
