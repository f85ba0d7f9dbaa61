import { AdamW } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import type { GenerationModels } from '../../generate/index.js';
import type { LoraAdapter } from '../../model/index.js';
import type { CompositeReward } from '../../reward/index.js';
import type { TrainEvent } from '../../run/train-event.js';
import { gradientStep, type Pass } from '../gradient-step.js';
import { RunningMeans } from '../running-means.js';
import type { StepOutcome, Trained, TrainingStage } from '../training-stage.js';
import { chosenPrompts, inUpdates } from './epoch-order.js';
import type { Judgement } from './judge-images.js';
import { meanOfUpdates } from './update-means.js';

/** What every stage that learns from rewards works with. */
export interface PolicyStageParts<Prompt, Sample> {
  readonly models: GenerationModels;
  readonly trained: Trained;
  /** The adapter (null: none) of the policy that the stage started from; absent when that policy is gone. */
  readonly reference?: LoraAdapter | null;
  readonly prompts: readonly Prompt[];
  readonly reward: CompositeReward<Sample>;
  readonly emit: (event: TrainEvent) => void;
  readonly sample?: (epoch: number) => Promise<void>;
}

/** The options that stages of policy learning share. */
type PolicyConfig = Pick<
  TrainConfig['grpo'],
  'epochs' | 'promptsPerEpoch' | 'groupSize' | 'updates' | 'innerEpochs' | 'optimizer'
> & { readonly emaDecay?: number; readonly anchor: { readonly kind: string } };

/** What a pass over pictures or replies reports beside the loss. */
export const POLICY_PARTS = ['policy', 'anchor', 'kl', 'clippedHigh', 'clippedLow', 'ratio'] as const;

/**
 * A stage of group-relative policy learning (Shao et al. 2024, "DeepSeekMath"): one step is an epoch. Groups of samples are
 * made for prompts, judged, compared within their group, and made likelier or less likely. What a sample is - a picture, a
 * reply - and how likely it is, is said by the stages below this one.
 */
export abstract class PolicyStage<
  Config extends PolicyConfig,
  Prompt,
  Sample,
  Group,
  Parts extends PolicyStageParts<Prompt, Sample> = PolicyStageParts<Prompt, Sample>,
> implements TrainingStage
{
  abstract readonly name: 'grpo' | 'text-grpo';
  readonly steps: number;
  readonly schedule;
  readonly clipNorm: number;
  readonly precision: TrainConfig['precision'];
  readonly trained: Trained;
  readonly optimizer: AdamW;
  readonly means: RunningMeans | undefined;
  protected readonly seed: number;
  /** What the passes report beside the loss. */
  protected readonly partNames: readonly string[] = POLICY_PARTS;

  constructor(
    protected readonly parts: Parts,
    protected readonly config: Config,
    { seed, precision }: Pick<TrainConfig, 'seed' | 'precision'>,
  ) {
    const { epochs, optimizer, emaDecay = 0 } = config;
    this.seed = seed;
    this.precision = precision;
    this.steps = epochs;
    this.schedule = optimizer;
    this.clipNorm = optimizer.clipNorm;
    this.trained = parts.trained;
    this.optimizer = new AdamW(optimizer);
    this.means = emaDecay > 0 ? new RunningMeans(parts.trained.variables, emaDecay) : undefined;
  }

  /** Makes the samples of the prompt at place `index` of an epoch. */
  protected abstract draw(
    prompt: Prompt,
    epoch: number,
    index: number,
    signal: AbortSignal | undefined,
  ): Promise<Group>;
  /** Rewards and their comparison; the samples of all groups in order. */
  protected abstract judge(groups: readonly Group[]): Promise<Judgement>;
  /** What the log calls a group. */
  protected abstract describe(group: Group): string;
  /** Remembers how likely the samples are now: later updates of an epoch compare with the policy that drew them. */
  protected abstract remember(group: Group): void;
  /**
   * The passes that learn from a group, each its part of a mean over samples.
   * @param advantages [groupSize]
   * @param share what each sample of the group counts in the update
   */
  protected abstract passes(group: Group, advantages: Float32Array, share: number): (() => Pass)[];
  /** Tokens that went through the model in drawing and learning. */
  protected abstract tokens(groups: readonly Group[]): number;
  /** Frees what the groups of an epoch hold. */
  protected abstract release(groups: readonly Group[]): void;

  async advance(epoch: number, lr: number, signal?: AbortSignal): Promise<StepOutcome> {
    const { prompts, emit } = this.parts;
    const groups: Group[] = [];
    const phases = new Phases();
    try {
      const chosen = chosenPrompts(prompts, this.config.promptsPerEpoch, epoch, this.seed);
      for (const [index, prompt] of chosen.entries()) {
        groups.push(await this.draw(prompt, epoch, index, signal));
      }
      phases.end('draw');
      const judgement = await this.judge(groups);
      const judged = groups.map((group, i) => ({ prompt: this.describe(group), ...judgement.byGroup[i]! }));
      emit({ type: 'rewards', stage: this.name, step: epoch + 1, prompts: judged });
      phases.end('judge');
      const learnt = await this.learn(groups, judgement, epoch, lr);
      phases.end('learn');
      return {
        ...learnt,
        tokens: this.tokens(groups),
        rewards: judgement.means,
        measures: { ...judgement.measures, ...learnt.measures },
        phases: phases.seconds,
      };
    } finally {
      this.release(groups);
    }
  }

  /** The optimizer steps of an epoch. Groups without variance are left out: nothing in them is better than the rest. */
  private async learn(
    groups: readonly Group[],
    { advantages, flat }: Judgement,
    epoch: number,
    lr: number,
  ): Promise<Pick<StepOutcome, 'losses' | 'gradNorm' | 'measures'>> {
    const { updates, innerEpochs, groupSize } = this.config;
    const teaching = groups.map((group, index) => ({ group, index })).filter(({ index }) => !flat[index]);
    const batches = inUpdates(teaching, updates, innerEpochs, epoch, this.seed);
    if (batches.length > 1) for (const { group } of teaching) this.remember(group);
    const results: Record<string, number>[] = [];
    for (const batch of batches) {
      const share = 1 / (batch.length * groupSize);
      const open = batch.flatMap(({ group, index }) =>
        this.passes(group, advantages.slice(index * groupSize, (index + 1) * groupSize), share),
      );
      results.push(await gradientStep(this, lr, open, this.partNames));
    }
    return meanOfUpdates(results, this.partNames);
  }

  /** Runs a function with the policy that the stage started from; absent where nothing is compared with it. */
  protected referenceFor(anchor: string): (<T>(f: () => T) => T) | undefined {
    const { reference, models } = this.parts;
    if (reference === undefined || anchor === 'none') return undefined;
    return (f) => models.model.withAdapter(reference, f);
  }

  /** Everything random is keyed by the epoch: nothing else to remember. */
  position(): Record<string, number> {
    return {};
  }

  async sample(epoch: number): Promise<void> {
    await this.parts.sample?.(epoch);
  }

  dispose(): void {
    this.optimizer.dispose();
    this.means?.dispose();
  }
}

/** Wall-clock seconds of the parts of a step, one after the other. */
class Phases {
  readonly seconds: Record<string, number> = {};
  #since = performance.now();

  end(name: string): void {
    const now = performance.now();
    this.seconds[name] = (now - this.#since) / 1000;
    this.#since = now;
  }
}
