import { KeyedRandom, streams } from '../random/keyed-random.js';

/** What the sampler needs to know of a training sample. */
export interface Sampleable {
  task: string;
}

/** Samples drawn so far, for each task: the whole state of the sampler. */
export type SamplerPosition = Record<string, number>;

/** Where the samples of each step come from. */
export interface SampleSource<S> {
  /** Samples until their `cost`s reach `budget`; the last one may exceed it. At least one sample. */
  pack(budget: number, cost: (sample: S) => number): S[] | Promise<S[]>;
  position(): SamplerPosition;
  /** Continues at a saved position. */
  seek(position: SamplerPosition): void;
}

/**
 * Chooses the samples of each pack by an explicit task mix.
 *
 * Every draw goes to the task that lags furthest behind its share, so that even a single pack follows the mix as closely
 * as whole samples allow. Within a task, the samples come in a random order that is redrawn (keyed by seed, task and
 * round) when all have been used: each is seen equally often.
 */
export class PackSampler<S extends Sampleable> implements SampleSource<S> {
  private readonly groups: { task: string; share: number; samples: S[]; drawn: number; order: number[] }[];

  /**
   * @param samples all training samples
   * @param mix relative weight of each task; tasks with weight 0 or without samples are left out
   * @throws RangeError when nothing is left to draw
   */
  constructor(
    samples: readonly S[],
    mix: Readonly<Record<string, number>>,
    private readonly seed: number,
  ) {
    const tasks = Object.keys(mix).filter((task) => mix[task]! > 0 && samples.some((s) => s.task === task));
    if (tasks.length === 0) {
      const found = [...new Set(samples.map((sample) => sample.task))].join(', ') || 'no samples at all';
      throw new RangeError(
        `the task mix selects no training sample: expected a weight > 0 for one of ${found}`,
      );
    }
    const total = tasks.reduce((sum, task) => sum + mix[task]!, 0);
    this.groups = tasks.map((task) => ({
      task,
      share: mix[task]! / total,
      samples: samples.filter((sample) => sample.task === task),
      drawn: 0,
      order: [],
    }));
  }

  /** The share of draws each task gets; the shares add up to 1. */
  shares(): Record<string, number> {
    return Object.fromEntries(this.groups.map(({ task, share }) => [task, share]));
  }

  position(): SamplerPosition {
    return Object.fromEntries(this.groups.map(({ task, drawn }) => [task, drawn]));
  }

  /** Continues at a saved position. @throws RangeError when it is of other tasks. */
  seek(position: SamplerPosition): void {
    const expected = this.groups.map(({ task }) => task).join(', ');
    const found = Object.keys(position).join(', ');
    if (expected !== found)
      throw new RangeError(`sampler position: expected tasks ${expected}, found ${found}`);
    for (const group of this.groups) {
      group.drawn = position[group.task]!;
      group.order = [];
    }
  }

  /** Draws samples until their `cost`s reach `budget`; the last one may exceed it. At least one sample. */
  pack(budget: number, cost: (sample: S) => number): S[] {
    const pack: S[] = [];
    for (let used = 0; used < budget || pack.length === 0; ) {
      const sample = this.draw();
      pack.push(sample);
      used += Math.max(1, cost(sample));
    }
    return pack;
  }

  private draw(): S {
    const drawn = this.groups.reduce((sum, group) => sum + group.drawn, 0);
    const lag = (index: number): number => {
      const group = this.groups[index]!;
      return group.share * (drawn + 1) - group.drawn;
    };
    let chosen = 0;
    for (let index = 1; index < this.groups.length; index++) if (lag(index) > lag(chosen)) chosen = index;

    const group = this.groups[chosen]!;
    const size = group.samples.length;
    const round = Math.floor(group.drawn / size);
    if (group.order.length === 0 || group.drawn % size === 0) {
      group.order = new KeyedRandom(this.seed, streams.packOrder, [chosen, round]).permutation(size);
    }
    return group.samples[group.order[group.drawn++ % size]!]!;
  }
}
