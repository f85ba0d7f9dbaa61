import type { TrainConfig } from '../config/index.js';
import { readEvents } from '../run/event-log.js';
import type { RunFolder } from '../run/run-folder.js';
import type { Stage, StepEvent, TrainEvent } from '../run/train-event.js';

type Limits = TrainConfig['alarms'];
type Measures = Readonly<Record<string, number>>;

/** What is watched: the measure, its limit, and on which side of it things go wrong. */
interface Watch {
  readonly measure: string;
  readonly limit: keyof Omit<Limits, 'stop'>;
  readonly bad: 'below' | 'above';
  /** The limit is a share of the measure in the first epoch. */
  readonly relative: boolean;
  readonly meaning: string;
}

const WATCHED: readonly Watch[] = [
  {
    measure: 'diversity',
    limit: 'diversityBelow',
    bad: 'below',
    relative: true,
    meaning: 'pictures of a prompt grow alike',
  },
  {
    measure: 'colourEntropy',
    limit: 'colourEntropyBelow',
    bad: 'below',
    relative: true,
    meaning: 'colours vanish',
  },
  {
    measure: 'edgeDensity',
    limit: 'edgeDensityBelow',
    bad: 'below',
    relative: true,
    meaning: 'detail vanishes',
  },
  {
    measure: 'similarity',
    limit: 'similarityAbove',
    bad: 'above',
    relative: false,
    meaning: 'training pictures are copied',
  },
  {
    measure: 'zeroVariance',
    limit: 'zeroVarianceAbove',
    bad: 'above',
    relative: false,
    meaning: 'most groups teach nothing',
  },
  {
    measure: 'kl',
    limit: 'klAbove',
    bad: 'above',
    relative: false,
    meaning: 'the policy is far from where it started',
  },
];

/** Measures of the first epoch of a stage, for a run that goes on. */
export function firstMeasures(run: RunFolder, stage: Stage): Measures | undefined {
  const first = readEvents(run.events).find((event) => event.type === 'step' && event.stage === stage);
  return first?.type === 'step' ? first.measures : undefined;
}

/** Watches a stage for signs of reward hacking and collapse. Says so when a limit is crossed, and again only after a calm epoch. */
export class Alarms {
  private first: Measures | undefined;
  private readonly ringing = new Set<string>();

  /** @param first measures of the first epoch, where that is past */
  constructor(
    private readonly limits: Limits,
    private readonly emit: (event: TrainEvent) => void,
    first?: Measures,
  ) {
    this.first = first;
  }

  /** Looks at an epoch. @returns a message when training is to stop */
  look({ stage, step, measures }: Pick<StepEvent, 'stage' | 'step' | 'measures'>): string | undefined {
    if (!measures) return undefined;
    this.first ??= measures;
    const messages: string[] = [];
    for (const watch of WATCHED) {
      const alarm = this.check(watch, measures);
      if (!alarm) this.ringing.delete(watch.measure);
      else if (!this.ringing.has(watch.measure)) {
        this.ringing.add(watch.measure);
        messages.push(alarm.message);
        this.emit({ type: 'alarm', stage, step, measure: watch.measure, ...alarm });
      }
    }
    if (messages.length === 0 || !this.limits.stop) return undefined;
    return `stopped by an alarm after epoch ${step}: ${messages.join('; ')}.`;
  }

  private check({ measure, limit: name, bad, relative, meaning }: Watch, measures: Measures) {
    const value = measures[measure];
    const start = this.first?.[measure];
    if (value === undefined || (relative && start === undefined)) return undefined;
    const limit = relative ? this.limits[name] * start! : this.limits[name];
    if (bad === 'below' ? value >= limit : value <= limit) return undefined;
    const round = (x: number) => Number(x.toPrecision(3));
    const message = `${measure} is ${round(value)}, ${bad} the limit of ${round(limit)} (alarms.${name}): ${meaning}`;
    return { value, limit, message };
  }
}
