import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeFileAtomic } from './atomic-write.js';
import { readEvents } from './event-log.js';
import { Html, html } from './html.js';
import { lossChart, shortNumber } from './loss-chart.js';
import { reportStyle } from './report-style.js';
import { alarmList, rewardCharts, rewardsByPrompt } from './reward-charts.js';
import type { RunFolder } from './run-folder.js';
import type { DataSummary, LoggedEvent, Sample, Stage, StepEvent } from './train-event.js';

type SampleEvent = Extract<LoggedEvent, { type: 'sample' }>;

const STAGE_TITLES: Readonly<Record<Stage, string>> = {
  vae: 'Image autoencoder',
  sft: 'Unified fine-tuning',
  grpo: 'Character-GRPO on pictures',
  'text-grpo': 'GRPO on replies',
};

const POLICY_STAGES = ['grpo', 'text-grpo'] as const;

/**
 * Writes `report.html` from what the run folder holds: one file without scripts or links to elsewhere, with every loss
 * curve, the samples over time, the training data and the resolved config. Works at any time during or after a run.
 * @returns the path of the report
 * @throws RunError when the log is damaged or the file cannot be written
 */
export function writeReport(run: RunFolder): string {
  const events = readEvents(run.events);
  const steps = events.filter((event) => event.type === 'step');
  const start = events.find((event) => event.type === 'start');
  const samples = events.filter((event) => event.type === 'sample');
  const name = start?.data.character ?? basename(run.root);
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name} · training report</title><style>${new Html(reportStyle)}</style></head><body><main>
<h1>${name}</h1>${statusLine(events, steps)}${keyNumbers(start, steps)}
${talk(samples)}${drawings(run, samples)}${trainingPictures(run)}
${alarmList(events.filter((event) => event.type === 'alarm'))}
${rewardsByPrompt(events.filter((event) => event.type === 'rewards'))}${POLICY_STAGES.map((stage) => rewardCharts(STAGE_TITLES[stage], stage, steps))}
${[...POLICY_STAGES, 'sft' as const].map((stage) => stageCharts(stage, steps))}${stageCharts('vae', steps)}${reconstructions(run, samples)}
${start ? dataTable(start.data) : html``}${configuration(run)}
</main></body></html>
`;
  writeFileAtomic(run.report, page.text);
  return run.report;
}

function statusLine(events: readonly LoggedEvent[], steps: readonly StepEvent[]): Html {
  const done = events.at(-1)?.type === 'done';
  const last = steps.at(-1);
  const when = events.at(-1)?.time.slice(0, 16).replace('T', ' ') ?? '';
  const state = done
    ? 'Training finished'
    : last
      ? `${STAGE_TITLES[last.stage]}: step ${last.step} of ${last.steps}`
      : 'Training has not begun';
  return html`<p class="soft">${state} · ${when} UTC</p>`;
}

function keyNumbers(
  start: Extract<LoggedEvent, { type: 'start' }> | undefined,
  steps: readonly StepEvent[],
): Html {
  const sft = steps.filter((event) => event.stage === 'sft');
  const tail = sft.slice(-Math.max(1, Math.ceil(sft.length / 20)));
  const mean = (pick: (event: StepEvent) => number | undefined): number => {
    const values = tail.map(pick).filter((value) => value !== undefined);
    return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  };
  const boxes: [string, string][] = [];
  if (start) boxes.push([`${(start.parameters / 1e6).toFixed(1)} M`, 'parameters']);
  if (sft.length > 0) {
    boxes.push(
      [shortNumber(mean((event) => event.losses.ce)), 'text loss (cross-entropy), end'],
      [shortNumber(mean((event) => event.losses.mse)), 'image loss (flow MSE), end'],
      [Math.round(mean((event) => event.tokensPerSecond)).toLocaleString('en'), 'tokens per second'],
      [`${shortNumber(mean((event) => event.secondsPerStep))} s`, 'per step'],
      [`${Math.round(Math.max(...sft.map((event) => event.peakBytes)) / 2 ** 20)} MiB`, 'peak tensor memory'],
    );
  }
  return html`<section class="numbers">${boxes.map(
    ([value, label]) => html`<div><b>${value}</b><span>${label}</span></div>`,
  )}</section>`;
}

/** The replies, newest first; earlier ones of the same prompt fold away. */
function talk(events: readonly SampleEvent[]): Html {
  const rows = byPrompt(events, (sample) => sample.reply !== undefined);
  if (rows.length === 0) return html``;
  return html`<h2>It talks</h2>${rows.map(({ prompt, over }) => {
    const earlier = over.slice(0, -1).reverse();
    return html`<div class="talk"><p class="user">${prompt}</p><p class="reply">${over.at(-1)!.sample.reply ?? ''}</p>
<details><summary>earlier</summary><table>${earlier.map(
      ({ moment, sample }) => html`<tr><td><small>${moment}</small></td><td>${sample.reply ?? ''}</td></tr>`,
    )}</table></details></div>`;
  })}`;
}

/** The pictures of each prompt from before the first step to the end. */
function drawings(run: RunFolder, events: readonly SampleEvent[]): Html {
  const rows = byPrompt(events, (sample) => sample.image !== undefined);
  if (rows.length === 0) return html``;
  const steps = [...new Set(events.filter((event) => event.samples.length > 0).map(momentOf))];
  return html`<h2>It draws</h2><div class="scroll"><table><tr><th>prompt</th>${steps.map(
    (step) => html`<th>${step}</th>`,
  )}</tr>${rows.map(
    ({ prompt, over }) =>
      html`<tr><td>${prompt}</td>${steps.map((step) => {
        const image = over.find((entry) => entry.moment === step)?.sample.image;
        return image
          ? html`<td>${picture(join(run.root, image), `${prompt}, ${step}`)}</td>`
          : html`<td></td>`;
      })}</tr>`,
  )}</table></div>`;
}

/** When samples were made: "step 60" of Unified-SFT, "grpo 5" of a later stage. */
function momentOf({ stage, step }: SampleEvent): string {
  return `${stage === 'sft' ? 'step' : stage} ${step}`;
}

function byPrompt(
  events: readonly SampleEvent[],
  wanted: (sample: Sample) => boolean,
): { prompt: string; over: { moment: string; sample: Sample }[] }[] {
  const rows = new Map<string, { moment: string; sample: Sample }[]>();
  for (const event of events) {
    for (const sample of event.samples.filter(wanted)) {
      rows.set(sample.prompt, [...(rows.get(sample.prompt) ?? []), { moment: momentOf(event), sample }]);
    }
  }
  return [...rows].map(([prompt, over]) => ({ prompt, over }));
}

/** What the autoencoder makes of the pictures. */
function reconstructions(run: RunFolder, events: readonly SampleEvent[]): Html {
  const sheet = events.findLast((event) => event.stage === 'vae')?.sheet;
  if (!sheet) return html``;
  return html`<h2>Through the autoencoder</h2><p class="soft">Pictures above, what is left of them after encoding and
decoding below: no drawing can be sharper than this.</p>${picture(join(run.root, sheet), 'originals and reconstructions')}`;
}

function trainingPictures(run: RunFolder): Html {
  if (!existsSync(run.character)) return html``;
  const files = readdirSync(run.character).filter((file) => file.endsWith('.png'));
  if (files.length === 0) return html``;
  return html`<h2>Trained on these pictures</h2><div class="pictures">${files.map((file) =>
    picture(join(run.character, file), `training picture ${file}`),
  )}</div>`;
}

function picture(path: string, label: string): Html {
  if (!existsSync(path)) return html``;
  return html`<img alt="${label}" src="data:image/png;base64,${readFileSync(path).toString('base64')}">`;
}

function stageCharts(stage: Stage, steps: readonly StepEvent[]): Html {
  const own = steps.filter((event) => event.stage === stage);
  if (own.length === 0) return html``;
  const names = [...new Set(own.flatMap((event) => Object.keys(event.losses)))];
  const curve = (pick: (event: StepEvent) => number | undefined): (readonly [number, number])[] =>
    own.flatMap((event) => {
      const value = pick(event);
      return value === undefined ? [] : [[event.step, value] as const];
    });
  return html`<h2>${STAGE_TITLES[stage]}: losses</h2><div class="charts">${[
    ...names.map((name) =>
      lossChart(
        name,
        curve((event) => event.losses[name]),
      ),
    ),
    lossChart(
      'gradient norm',
      curve((event) => event.gradNorm),
    ),
    lossChart(
      'learning rate',
      curve((event) => event.lr),
    ),
    lossChart(
      'tokens per second',
      curve((event) => event.tokensPerSecond),
    ),
  ]}</div>`;
}

function dataTable(data: DataSummary): Html {
  return html`<h2>Data</h2><p>${data.images} pictures, ${data.tasks.reduce((sum, row) => sum + row.samples, 0)} training
samples. The task mix decides how often a task is drawn, not how many samples it has.</p>
<div class="scroll"><table><tr><th>task</th><th>samples</th><th>tokens</th><th>share of draws</th></tr>${data.tasks.map(
    (row) =>
      html`<tr><td>${row.task}</td><td>${row.samples}</td><td>${row.tokens}</td><td>${Math.round(row.share * 100)} %</td></tr>`,
  )}</table></div>`;
}

function configuration(run: RunFolder): Html {
  if (!existsSync(run.config)) return html``;
  return html`<h2>Config</h2><details><summary>${basename(run.config)}, resolved</summary><pre>${readFileSync(
    run.config,
    'utf8',
  )}</pre></details>`;
}
