/** A curve that is drawn: `points` are (step, value), in the order of the steps. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [step: number, value: number])[];
}

interface CurveProps {
  readonly title: string;
  /** What is good: that the values fall, or that they rise. */
  readonly better: 'lower' | 'higher';
  readonly series: readonly Series[];
}

const [WIDTH, HEIGHT] = [560, 220];
const [LEFT, RIGHT, TOP, BOTTOM] = [44, 8, 10, 24];
/** Rows of the table; a long training is thinned out. */
const ROWS = 25;

/** Curves over the steps, with the same numbers as a table for those who do not see them. */
export function Curve({ title, better, series }: CurveProps) {
  const drawn = series.filter(({ points }) => points.length > 0);
  const scale = scaleOf(drawn);
  return (
    <figure class="curve">
      <figcaption>
        <h3>{title}</h3>
        <span class="hint">{better} is better</span>
        <ul class="legend">
          {drawn.map(({ name, points }, index) => (
            <li key={name} class={`series-${index}`}>
              {name} <b>{shown(points.at(-1)![1])}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      {scale ? (
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={inWords(title, drawn)}>
          <Grid scale={scale} />
          {drawn.map(({ name, points }, index) => (
            <g key={name} class={`series-${index}`}>
              <path class="raw" d={pathOf(points, scale)} />
              <path d={pathOf(smoothed(points), scale)} />
            </g>
          ))}
        </svg>
      ) : (
        <p class="notice">The curve begins with the first step.</p>
      )}
      {scale && <Table title={title} series={drawn} />}
    </figure>
  );
}

interface Scale {
  readonly steps: readonly [number, number];
  readonly values: readonly [number, number];
}

function scaleOf(series: readonly Series[]): Scale | undefined {
  const points = series.flatMap(({ points }) => points).filter(([, value]) => Number.isFinite(value));
  if (points.length === 0) return undefined;
  const [low, high] = extent(points.map(([, value]) => value));
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return { steps: extent(points.map(([step]) => step)), values: [low - room, high + room] };
}

const extent = (values: readonly number[]): [number, number] =>
  values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

const along = (value: number, [from, to]: readonly [number, number]): number =>
  to === from ? 0.5 : (value - from) / (to - from);

const x = (step: number, { steps }: Scale): number => LEFT + along(step, steps) * (WIDTH - LEFT - RIGHT);
const y = (value: number, { values }: Scale): number =>
  HEIGHT - BOTTOM - along(value, values) * (HEIGHT - TOP - BOTTOM);

function pathOf(points: Series['points'], scale: Scale): string {
  const drawable = points.filter(([, value]) => Number.isFinite(value));
  // A single point is drawn as a dot: a line of no length with round ends.
  const line = drawable.length === 1 ? [drawable[0]!, drawable[0]!] : drawable;
  return line
    .map(
      ([step, value], index) =>
        `${index === 0 ? 'M' : 'L'}${x(step, scale).toFixed(1)} ${y(value, scale).toFixed(1)}`,
    )
    .join('');
}

/** A running mean that forgets over about a twentieth of the curve, without the pull towards zero at the beginning. */
export function smoothed(points: Series['points']): [number, number][] {
  const keep = 1 - 1 / Math.max(1, points.length / 20);
  let [sum, weight] = [0, 0];
  return points.map(([step, value]) => {
    if (Number.isFinite(value)) {
      sum = keep * sum + value;
      weight = keep * weight + 1;
    }
    return [step, weight === 0 ? value : sum / weight];
  });
}

function Grid({ scale }: { scale: Scale }) {
  const lines = [0, 0.25, 0.5, 0.75, 1].map(
    (part) => scale.values[0] + part * (scale.values[1] - scale.values[0]),
  );
  const steps = [
    ...new Set(
      [0, 0.5, 1].map((part) => Math.round(scale.steps[0] + part * (scale.steps[1] - scale.steps[0]))),
    ),
  ];
  return (
    <g class="grid">
      {lines.map((value) => (
        <g key={value}>
          <path d={`M${LEFT} ${y(value, scale)}H${WIDTH - RIGHT}`} />
          <text x={LEFT - 6} y={y(value, scale) + 4} text-anchor="end">
            {shown(value)}
          </text>
        </g>
      ))}
      {steps.map((step, index) => (
        <text
          key={step}
          x={x(step, scale)}
          y={HEIGHT - 6}
          text-anchor={steps.length > 1 && index === 0 ? 'start' : step === scale.steps[1] ? 'end' : 'middle'}
        >
          {index === 0 ? `step ${step}` : step}
        </text>
      ))}
    </g>
  );
}

function Table({ title, series }: { title: string; series: readonly Series[] }) {
  const steps = [...new Set(series.flatMap(({ points }) => points.map(([step]) => step)))].sort(
    (a, b) => a - b,
  );
  const every = Math.ceil(steps.length / ROWS);
  const rows = steps.filter((_, index) => index % every === 0 || index === steps.length - 1);
  const values = series.map(({ points }) => new Map(points));
  return (
    <details>
      <summary>As a table</summary>
      <table>
        <caption class="unseen">{title}</caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            {series.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((step) => (
            <tr key={step}>
              <th scope="row">{step}</th>
              {values.map((of, index) => (
                <td key={series[index]!.name}>{of.has(step) ? shown(of.get(step)!) : ''}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function inWords(title: string, series: readonly Series[]): string {
  const parts = series.map(({ name, points }) => {
    const [first, last] = [points[0]!, points.at(-1)!];
    return `${name} from ${shown(first[1])} at step ${first[0]} to ${shown(last[1])} at step ${last[0]}`;
  });
  return `${title}: ${parts.join('; ')}`;
}

const shown = (value: number): string => {
  if (!Number.isFinite(value)) return 'not a number';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
};
