import type { StepEvent } from '@unicharacter/core';
import { describe, expect, it } from 'vitest';
import { FakeTerminal } from '../test/fake-terminal.js';
import { ProgressLine } from './progress.js';

const event = (
  step: number,
  losses: Record<string, number>,
  stage: StepEvent['stage'] = 'sft',
): StepEvent => ({
  type: 'step',
  stage,
  step,
  steps: 10,
  losses,
  tokens: 512,
  tokensPerSecond: 1234,
  secondsPerStep: 0.5,
  etaSeconds: 75,
  gradNorm: 1.25,
  lr: 1e-3,
  liveBytes: 100 * 2 ** 20,
  peakBytes: 150 * 2 ** 20,
});

describe('ProgressLine', () => {
  it('shows step, time, losses, speed, gradient norm and memory', () => {
    const terminal = new FakeTerminal();
    new ProgressLine(terminal).step(event(3, { ce: 1.5, 'ce/dialogue': 1.25 }));
    expect(terminal.stdout).toBe(
      'sft  3/10  30% | ETA 1m 15s | ce 1.500 | 1234 tok/s | grad 1.250 | mem 100 MiB (peak 150 MiB) | ' +
        'ce/dialogue 1.250\n',
    );
  });

  it('keeps the last loss of tasks that the pack does not hold, until the stage changes', () => {
    const terminal = new FakeTerminal();
    let clock = 0;
    const progress = new ProgressLine(terminal, () => clock);
    progress.step(event(1, { 'ce/vqa': 2 }));
    clock = 10;
    progress.step(event(2, { 'mse/t2i': 1 }));
    progress.note('next stage');
    clock = 20;
    progress.step(event(1, { kl: 1 }, 'vae'));
    const [, second, , third] = terminal.stdout.split('\n');
    expect(second).toContain('ce/vqa 2.000 mse/t2i 1.000');
    expect(third).not.toContain('ce/vqa');
  });

  it('prints plain lines at most every two seconds, and the first and the last in any case', () => {
    const terminal = new FakeTerminal();
    let clock = 0;
    const progress = new ProgressLine(terminal, () => clock);
    for (let step = 1; step <= 10; step++) {
      progress.step(event(step, { ce: step }));
      clock += 0.5;
    }
    const steps = terminal.stdout
      .trim()
      .split('\n')
      .map((line) => /(\d+)\/10/.exec(line)?.[1]);
    expect(steps).toEqual(['1', '5', '9', '10']);
    expect(terminal.stdout).not.toContain('\u001b');
  });

  it('overwrites one line on a terminal, cut to its width', () => {
    const terminal = new FakeTerminal(true, 40);
    const progress = new ProgressLine(terminal);
    progress.step(event(1, { ce: 1 }));
    progress.step(event(2, { ce: 1 }));
    progress.note('saved');
    const lines = terminal.stdout.split('\r\u001b[K').slice(1);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toHaveLength(39);
    expect(lines[1]?.endsWith('\nsaved\n')).toBe(true);
  });
});
