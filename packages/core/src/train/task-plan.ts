import type { TrainConfig } from '../config/index.js';
import type { TaskSample } from '../data/index.js';
import { sampleTokens } from '../model/index.js';
import { PackSampler } from './pack-sampler.js';
import type { EncodedTask } from './task-encoder.js';
import { lossRows } from './task-means.js';

/** What a task has to offer and what it gets in the packs of Unified-SFT. */
export interface TaskPlan {
  readonly task: string;
  readonly samples: number;
  /** Pictures that its samples show or draw, each counted once. */
  readonly pictures: number;
  /** Tokens of all of its samples together. */
  readonly tokens: number;
  /** How often each of its samples is learnt from in the whole run. */
  readonly rounds: number;
  /** Share of the tokens that go through the model. */
  readonly tokenShare: number;
  /** Share in the mean over predicted tokens, and in the mean over latent tokens to be drawn. */
  readonly textLossShare: number;
  readonly pictureLossShare: number;
}

export interface PackPlan {
  readonly packs: number;
  readonly samplesPerPack: number;
  readonly tokensPerPack: number;
  /** Tokens of the longest pack: what memory has to hold. */
  readonly longestPack: number;
  /** Packs until every sample has been learnt from once. */
  readonly packsPerEpoch: number;
  readonly tasks: readonly TaskPlan[];
}

/** A sample of the character, or a general one. */
type PlannedSample = Omit<TaskSample, 'task'> & { readonly task: string };

/** Packs that are looked at, at most: shares are settled long before. */
const LOOKED_AT = 2000;

/**
 * The packs that Unified-SFT will really draw, counted: the sampler itself draws them, so that shares are those of the run
 * and not of the mix. Condition dropout is left out.
 * @param config.mix weight of each task, general data included
 * @param sized the same samples as long as they will be, see `sizedTasks`
 * @throws RangeError when the mix selects no sample
 */
export function planPacks(
  samples: readonly PlannedSample[],
  sized: readonly EncodedTask[],
  { sft, seed, mix }: Pick<TrainConfig, 'sft' | 'seed'> & { mix: Readonly<Record<string, number>> },
): PackPlan {
  const packs = sft.steps * sft.accumulation;
  const sampler = new PackSampler(sized, mix, seed);
  const shares = sampler.shares();
  const tasks = new Map(
    Object.keys(shares).map((task) => [
      task,
      new TaskCount(
        sized.filter((sample) => sample.task === task),
        task,
      ),
    ]),
  );
  const looked = Math.min(packs, LOOKED_AT);
  let longestPack = 0;
  for (let index = 0; index < looked; index++) {
    const pack = sampler.pack(sft.tokensPerPack, sampleTokens);
    longestPack = Math.max(longestPack, total(pack.map(sampleTokens)));
    for (const sample of pack) tasks.get(sample.task)!.add(sample, sft.ceReweighting);
  }
  const counts = [...tasks.values()];
  const sum = (of: (count: TaskCount) => number) => total(counts.map(of));
  const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0);
  const [tokens, text, picture] = [sum((c) => c.tokens), sum((c) => c.text), sum((c) => c.picture)];
  const samplesPerPack = sum((c) => c.drawn) / looked;
  const epoch = counts.map((c) => c.samples.length / (shares[c.task]! * samplesPerPack));
  return {
    packs,
    samplesPerPack,
    tokensPerPack: tokens / looked,
    longestPack,
    packsPerEpoch: Math.ceil(Math.max(...epoch)),
    tasks: counts.map((count) => ({
      task: count.task,
      samples: count.samples.length,
      pictures: picturesOf(samples, count.task),
      tokens: total(count.samples.map(sampleTokens)),
      rounds: (count.drawn * packs) / looked / count.samples.length,
      tokenShare: share(count.tokens, tokens),
      textLossShare: share(count.text, text),
      pictureLossShare: share(count.picture, picture),
    })),
  };
}

/** What has been drawn of a task. */
class TaskCount {
  drawn = 0;
  tokens = 0;
  text = 0;
  picture = 0;

  constructor(
    readonly samples: readonly EncodedTask[],
    readonly task: string,
  ) {}

  add(sample: EncodedTask, reweighted: boolean): void {
    const { ce, mse } = lossRows(sample);
    this.drawn++;
    this.tokens += sampleTokens(sample);
    // A token of an answer of n counts 1/√n when re-weighted, see `StepMeans`.
    this.text += total(ce.map((length) => (reweighted ? Math.sqrt(length) : length)));
    this.picture += mse;
  }
}

/** Different pictures in the samples of a task. */
function picturesOf(samples: readonly PlannedSample[], task: string): number {
  const items = samples.flatMap((sample) => (sample.task === task ? sample.items : []));
  return new Set(items.flatMap((item) => (item.kind === 'text' ? [] : item.image.id))).size;
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
