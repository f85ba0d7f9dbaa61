import { type Html, html } from './html.js';
import { lossChart, shortNumber } from './loss-chart.js';
import type { LoggedEvent, Stage, StepEvent } from './train-event.js';

type RewardsEvent = Extract<LoggedEvent, { type: 'rewards' }>;
type AlarmEvent = Extract<LoggedEvent, { type: 'alarm' }>;

/** Curves of the mean reward and its parts over the epochs of a stage, and of what is watched beside them. */
export function rewardCharts(title: string, stage: Stage, steps: readonly StepEvent[]): Html {
  const own = steps.filter((event) => event.stage === stage && event.rewards);
  if (own.length === 0) return html``;
  const curves = (kind: 'rewards' | 'measures') =>
    [...new Set(own.flatMap((event) => Object.keys(event[kind] ?? {})))].map((name) =>
      lossChart(
        name,
        own.flatMap((event) => {
          const value = event[kind]?.[name];
          return value === undefined ? [] : [[event.step, value] as const];
        }),
      ),
    );
  return html`<h2>${title}: rewards</h2><div class="charts">${curves('rewards')}</div>
<h2>${title}: watched</h2><div class="charts">${curves('measures')}</div>`;
}

/** What each prompt was worth when it was first and last asked: mean of its group, total and parts. */
export function rewardsByPrompt(events: readonly RewardsEvent[]): Html {
  const rows = new Map<string, { first: Group; last: Group }>();
  for (const { step, prompts } of events) {
    for (const { prompt, total, parts } of prompts) {
      const group = { step, means: meansOf({ total, ...parts }) };
      rows.set(prompt, { first: rows.get(prompt)?.first ?? group, last: group });
    }
  }
  if (rows.size === 0) return html``;
  const names = [...new Set([...rows.values()].flatMap(({ last }) => Object.keys(last.means)))];
  return html`<h2>Rewards per prompt</h2><p class="soft">Mean of the group, when the prompt was first and last asked.</p>
<div class="scroll"><table><tr><th>prompt</th><th>epochs</th>${names.map((name) => html`<th>${name}</th>`)}</tr>${[
    ...rows,
  ].map(
    ([prompt, { first, last }]) =>
      html`<tr><td>${prompt}</td><td>${first.step} → ${last.step}</td>${names.map(
        (name) => html`<td>${change(first.means[name], last.means[name])}</td>`,
      )}</tr>`,
  )}</table></div>`;
}

/** Alarms in the order in which they rang. */
export function alarmList(events: readonly AlarmEvent[]): Html {
  if (events.length === 0) return html``;
  return html`<h2>Alarms</h2><ul>${events.map(
    ({ stage, step, message }) => html`<li>${stage} ${step}: ${message}</li>`,
  )}</ul>`;
}

interface Group {
  step: number;
  means: Record<string, number>;
}

function meansOf(values: Readonly<Record<string, readonly number[]>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, own]) => [name, own.reduce((sum, v) => sum + v, 0) / own.length]),
  );
}

const change = (before: number | undefined, after: number | undefined): string =>
  `${before === undefined ? '' : shortNumber(before)} → ${after === undefined ? '' : shortNumber(after)}`;
