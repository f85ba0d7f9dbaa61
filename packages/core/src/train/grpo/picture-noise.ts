import { randomNormal, tf } from '@unicharacter/native';
import { streams } from '../../random/keyed-random.js';
import type { RollOutNoise } from './roll-out.js';

/** What the noise of some pictures of a group depends on. */
export interface PictureNoiseKeys {
  readonly seed: number;
  /** Pictures, and the size [tokens, channels] of each. */
  readonly count: number;
  readonly size: readonly [number, number];
  /** Times of the grid: no picture needs more numbers of the stream than this. */
  readonly points: number;
  /** Number of the first picture in the run. */
  readonly picture: number;
  /** Number of the first picture of the whole group, whose initial noise all share when `sameNoise`. */
  readonly group: number;
  readonly sameNoise: boolean;
}

/** Noise keyed by the number of the picture in the run: the same whatever goes through the model beside it. */
export function pictureNoise(keys: PictureNoiseKeys): RollOutNoise {
  const { seed, count, size, points, picture, group, sameNoise } = keys;
  const drawn = (stream: number, index: number, own: (i: number) => number) => {
    const each = Array.from({ length: count }, (_, i) =>
      randomNormal([...size], { seed, stream, counter: own(i) * points + index }),
    );
    return tf.stack(each) as tf.Tensor3D;
  };
  return {
    initial: () => drawn(streams.grpoNoise, 0, (i) => (sameNoise ? group : picture + i)),
    step: (index) => drawn(streams.grpoSteps, index, (i) => picture + i),
  };
}
