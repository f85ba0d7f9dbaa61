import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EventLog } from './event-log.js';
import { html } from './html.js';
import { lossChart, niceTicks, runningMean } from './loss-chart.js';
import { writeReport } from './report.js';
import { RunFolder } from './run-folder.js';
import type { TrainEvent } from './train-event.js';

const step = (index: number): TrainEvent => ({
  type: 'step',
  stage: 'sft',
  step: index,
  steps: 30,
  losses: { total: 5 / index, ce: 4 / index, mse: 1 / index, 'ce/dialogue': 4 / index },
  tokens: 100,
  tokensPerSecond: 1234,
  secondsPerStep: 0.5,
  etaSeconds: 1,
  gradNorm: 1,
  lr: 1e-3,
  liveBytes: 1,
  peakBytes: 3 * 2 ** 20,
});

it('escapes values and keeps markup', () => {
  expect(html`<b>${'<i>&"'}</b>${[html`<u>${1}</u>`, html`<s></s>`]}`.text).toBe(
    '<b>&#60;i&#62;&#38;&#34;</b><u>1</u><s></s>',
  );
});

it('chooses round ticks that cover the values', () => {
  expect(niceTicks(0, 9.3)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(niceTicks(0, 0.034).at(-1)).toBeCloseTo(0.04, 12);
  expect(niceTicks(3, 3).length).toBeGreaterThan(1);
});

it('smooths a curve and thins a long one', () => {
  const flat = Array.from({ length: 100 }, (_, index) => [index, 2] as const);
  expect(runningMean(flat).at(-1)).toEqual([99, 2]);
  const long = Array.from({ length: 10_000 }, (_, index) => [index, 1 + (index % 5) / 4] as const);
  const chart = lossChart('ce', long).text;
  expect(chart.includes('1.5 → 1.5')).toBe(true);
  expect(chart.length).toBeLessThan(20_000);
});

it('writes one self-contained page with curves, samples, data and config', () => {
  const root = mkdtempSync(join(tmpdir(), 'report-'));
  try {
    const run = new RunFolder(root);
    run.create();
    for (const folder of [run.character, run.samples]) mkdirSync(folder);
    const pixel = Buffer.from('89504e470d0a1a0a', 'hex');
    writeFileSync(join(run.character, '0.png'), pixel);
    writeFileSync(join(run.samples, 'a.png'), pixel);
    writeFileSync(run.config, 'steps: 30\n');
    const log = new EventLog(run.events);
    const tasks = [{ task: 'dialogue', samples: 40, tokens: 4000, share: 0.25 }];
    log.append({
      type: 'start',
      run: root,
      data: { character: 'Ada <3', images: 1, tasks },
      parameters: 2.5e6,
      precision: 'bf16',
      threads: 2,
    });
    for (const at of [0, 30]) {
      if (at > 0) for (let index = 1; index <= 30; index++) log.append(step(index));
      log.append({
        type: 'sample',
        stage: 'sft',
        step: at,
        samples: [
          { prompt: 'Hello?', reply: `hi & bye ${at}` },
          { prompt: 'a portrait', image: 'samples/a.png' },
        ],
      });
    }
    log.close();
    const page = readFileSync(writeReport(run), 'utf8');
    for (const series of ['total', 'ce', 'mse', 'ce/dialogue', 'gradient norm', 'learning rate']) {
      expect(page).toContain(`<b>${series}</b>`);
    }
    expect(page).toContain('Ada &#60;3');
    expect(page).toContain('hi &#38; bye 30');
    expect(page.match(/data:image\/png;base64,iVBORw0KGgo=/g)).toHaveLength(3);
    expect(page).toContain('<td>dialogue</td><td>40</td><td>4000</td><td>25 %</td>');
    expect(page).toContain('steps: 30');
    expect(page).toContain('step 30 of 30');
    expect(page).not.toMatch(/(src|href)="(?!data:)/);
    expect(page).not.toContain('<script');
  } finally {
    rmSync(root, { recursive: true });
  }
});
