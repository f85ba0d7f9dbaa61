import { expect, it } from 'vitest';
import { learningRate } from './schedule.js';

it('warms up linearly and decays along half a cosine', () => {
  const schedule = { lr: 1, warmupSteps: 4, decay: 'cosine', minLr: 0.1 } as const;
  const rates = Array.from({ length: 9 }, (_, step) => learningRate(step, 9, schedule));
  expect(rates.slice(0, 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
  expect(rates[6]).toBeCloseTo(0.55, 12);
  expect(rates[8]).toBeCloseTo(0.1, 12);
});

it('stays constant, with and without warm-up', () => {
  expect(learningRate(0, 5, { lr: 2, warmupSteps: 0, decay: 'constant', minLr: 0 })).toBe(2);
  expect(learningRate(4, 5, { lr: 2, warmupSteps: 0, decay: 'constant', minLr: 0 })).toBe(2);
});
