import type { Turn } from '../data/index.js';
import type { RgbImage } from '../image/index.js';

/** A generated picture before quantisation: float32 RGB in [0, 1], row-major [height, width, 3]. */
export interface FloatImage {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** A question about a picture with its gold answer; `weight` is its share in the score of the picture. */
export interface WeightedQuestion {
  readonly question: string;
  readonly answer: string;
  readonly weight: number;
}

/** Pictures of a character that a generated picture is compared with: a folder, or the pictures themselves. */
export type ReferencePictures = string | readonly RgbImage[];

/** One generated picture and what it was asked to show. */
export interface RewardSample {
  readonly image: FloatImage;
  readonly prompt: string;
  /** Index of the sample's prompt within the batch; samples of one group share a prompt. */
  readonly group: number;
  readonly questions: readonly WeightedQuestion[];
  /** Training pictures of the character this sample belongs to. */
  readonly references?: ReferencePictures;
  /** What the character said with the picture, where it said something. */
  readonly reply?: string;
}

/** One generated reply and what it answers. */
export interface TextRewardSample {
  /** Name of the character who speaks. */
  readonly character: string;
  /** The user's last words. */
  readonly prompt: string;
  /** The turns before, oldest first. */
  readonly history?: readonly Turn[];
  readonly reply: string;
  /** Index of the sample's prompt within the batch; samples of one group share a prompt. */
  readonly group: number;
}

export interface RewardScores {
  /** [samples], higher is better, float64 */
  readonly values: Float64Array;
  /** Per sample: what was measured (similarities, answers), for the log. JSON values only. */
  readonly details: readonly Readonly<Record<string, unknown>>[];
}

/** Judges samples of one kind. */
export interface Scorer<Sample> {
  /** Name of the term in configuration, events and reports. */
  readonly name: string;
  /** What produced the number: model id, content hash of the weights, options. JSON values only. */
  readonly provenance: Readonly<Record<string, unknown>>;
  /**
   * One score per sample, in the order of the samples.
   *
   * @throws RewardError when a sample lacks what the reward needs, or the number cannot be had
   */
  score(samples: readonly Sample[]): Promise<RewardScores>;
  /** Frees weights and caches. */
  dispose(): void;
}

/** A reward of generated pictures. */
export type RewardModel = Scorer<RewardSample>;

/** A reward of generated replies. */
export type TextRewardModel = Scorer<TextRewardSample>;

/** A reward that cannot be computed; the message says what was expected, what was found and where. */
export class RewardError extends Error {
  override readonly name: string = 'RewardError';
}
