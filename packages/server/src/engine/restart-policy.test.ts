import { expect, it } from 'vitest';
import { RestartPolicy } from './restart-policy.js';

it('waits longer after each crash within the window, and gives up after too many', () => {
  let clock = 0;
  const policy = new RestartPolicy({ first: 100, longest: 300, crashes: 5, window: 1000 }, () => clock);
  const after = (milliseconds: number): number | null => {
    clock += milliseconds;
    return policy.crashed();
  };
  expect([after(0), after(100), after(100), after(100)]).toEqual([100, 200, 300, 300]);
  // The first two lie longer back than the window.
  expect(after(850)).toBe(300);
  expect(after(1)).toBe(300);
  expect(after(1)).toBeNull();
  // After a quiet time it begins anew.
  expect(after(5000)).toBe(100);
});
