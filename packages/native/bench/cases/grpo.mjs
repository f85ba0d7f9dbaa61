import { bothDirections } from './directions.mjs';

const SAMPLES = 2 ** 24;
const GROUP = 16;
const vector = (range) => ({ shape: [SAMPLES], dtype: 'float32', range });
const CLIPS = { clipLow: 0.2, clipHigh: 0.28, advantageClip: 5 };

const advantage = {
  name: `grpoAdvantage ${SAMPLES / 2 ** 20}M rewards in groups of ${GROUP}`,
  op: 'grpoAdvantage',
  args: { group: GROUP, epsilon: 1e-4 },
  dtype: 'float32',
  inputs: [vector([0, 1]), { shape: [SAMPLES], dtype: 'int32', group: GROUP }],
  start: ({ N }, [rewards, groups]) => ({
    once: () => Object.values(N.grpoAdvantage(rewards, groups)),
    look: ([advantages]) => advantages,
  }),
  // Rewards and group numbers are read, advantages are written.
  bytes: 3 * 4 * SAMPLES,
  peers: ['pytorch'],
  bars: { limit: 0.8 },
};

const loss = bothDirections({
  name: `grpoLoss ${SAMPLES / 2 ** 20}M samples`,
  op: 'grpoLoss',
  args: CLIPS,
  dtype: 'float32',
  inputs: [vector([-2, -1.5]), vector([-2, -1.5]), vector([-3, 3])],
  output: [SAMPLES],
  apply: ({ N }, [logProb, oldLogProb, advantages]) =>
    N.grpoLoss(logProb, oldLogProb, advantages, CLIPS).policyLoss,
  trained: ([logProb]) => [logProb],
  bars: { limit: 0.8 },
  peers: ['pytorch'],
  // Three vectors are read, one is written; the backward pass reads the upstream gradient too.
  forward: { bytes: 4 * 4 * SAMPLES },
  both: { bytes: 9 * 4 * SAMPLES },
});

/** The arithmetic of Group Relative Policy Optimization on arrays larger than the caches. */
export const grpo = [advantage, ...loss];
