import { compositeReward } from '../../dist/index.js';

/** Rewards red pictures: the mean of red minus the mean of green and blue. Plain JavaScript, for child processes too. */
export function redness() {
  const score = ({ image }) => {
    const sums = [0, 0, 0];
    for (const [i, value] of image.data.entries()) sums[i % 3] += value;
    return (sums[0] - (sums[1] + sums[2]) / 2) / (image.width * image.height);
  };
  const model = {
    name: 'redness',
    provenance: {},
    score: async (samples) => ({
      values: Float64Array.from(samples, score),
      details: samples.map(() => ({})),
    }),
    dispose: () => {},
  };
  return compositeReward([{ model, weight: 1 }]);
}
