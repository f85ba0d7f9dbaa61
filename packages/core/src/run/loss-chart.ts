import { type Html, html } from './html.js';

/** One curve: [step, value] in ascending order of step. */
export type Points = readonly (readonly [number, number])[];

const WIDTH = 340;
const HEIGHT = 170;
const LEFT = 46;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;
const MAX_POINTS = 400;

/**
 * A loss curve as inline SVG: the measured values faint, their running mean on top, both ends of the mean labelled.
 * Colours come from the style sheet (`.raw`, `.mean`, `.grid`).
 */
export function lossChart(title: string, points: Points): Html {
  const finite = thin(points.filter(([, value]) => Number.isFinite(value)));
  if (finite.length === 0) return html``;
  const mean = runningMean(finite);
  const steps = [finite[0]![0], finite.at(-1)![0]] as const;
  const ticks = niceTicks(Math.min(0, ...finite.map(([, v]) => v)), Math.max(...finite.map(([, v]) => v)));
  const bottom = ticks[0]!;
  const top = ticks.at(-1)!;

  const x = (step: number): number =>
    LEFT + ((step - steps[0]) / Math.max(1, steps[1] - steps[0])) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => TOP + ((top - value) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const path = (curve: Points): string =>
    curve.map(([step, value], i) => `${i ? 'L' : 'M'}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join('');
  const grid = ticks.map(
    (tick) => html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}"/>
<text x="${LEFT - 6}" y="${y(tick) + 3.5}" text-anchor="end">${shortNumber(tick)}</text>`,
  );
  const first = shortNumber(mean[0]![1]);
  const last = shortNumber(mean.at(-1)![1]);
  return html`<figure class="chart"><figcaption><b>${title}</b><span>${first} → ${last}</span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: from ${first} to ${last} over ${steps[1]} steps">
${grid}<path class="raw" d="${path(finite)}"/><path class="mean" d="${path(mean)}"/>
<circle class="end" cx="${x(steps[1])}" cy="${y(mean.at(-1)![1])}" r="3"/>
<text x="${LEFT}" y="${HEIGHT - 6}">${steps[0]}</text>
<text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">step ${steps[1]}</text></svg></figure>`;
}

/** Exponential running mean over about a twentieth of the curve. */
export function runningMean(points: Points): Points {
  const weight = Math.min(1, 20 / points.length);
  let mean = points[0]?.[1] ?? 0;
  return points.map(([step, value]) => {
    mean += weight * (value - mean);
    return [step, mean] as const;
  });
}

/** Round numbers that cover [low, high] in 3 to 6 ticks. */
export function niceTicks(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1;
  const magnitude = 10 ** Math.floor(Math.log10(span / 4));
  const step = magnitude * [1, 2, 5, 10].find((factor) => span / (factor * magnitude) <= 5)!;
  const count = Math.max(1, Math.ceil(high / step - 1e-9) - Math.floor(low / step));
  return Array.from({ length: count + 1 }, (_, index) => (Math.floor(low / step) + index) * step);
}

/** Three significant digits. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Means of equal stretches, at most {@link MAX_POINTS} of them, so that long runs stay small files. */
function thin(points: Points): Points {
  const stretch = Math.ceil(points.length / MAX_POINTS);
  if (stretch <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / stretch) }, (_, index) => {
    const part = points.slice(index * stretch, (index + 1) * stretch);
    return [part.at(-1)![0], part.reduce((sum, [, value]) => sum + value, 0) / part.length] as const;
  });
}
