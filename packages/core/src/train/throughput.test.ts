import { expect, it } from 'vitest';
import { Throughput } from './throughput.js';

it('averages over the window and leaves pauses out', () => {
  let clock = 0;
  const meter = new Throughput(() => clock, 2);
  clock = 1;
  expect(meter.step(100, 10)).toEqual({ secondsPerStep: 1, tokensPerSecond: 100, etaSeconds: 10 });
  clock = 50;
  meter.restart();
  clock = 53;
  expect(meter.step(300, 9)).toEqual({ secondsPerStep: 2, tokensPerSecond: 100, etaSeconds: 18 });
  clock = 54;
  expect(meter.step(100, 8)).toEqual({ secondsPerStep: 2, tokensPerSecond: 100, etaSeconds: 16 });
});
