import { AdamW, flowSdeLogProb, noGrad, tf, withAutocast } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import { type GenerationModels, timeGrid } from '../../generate/index.js';
import type { RgbImage } from '../../image/index.js';
import type { LoraAdapter } from '../../model/index.js';
import type { CompositeReward, RewardSample } from '../../reward/index.js';
import type { TrainEvent } from '../../run/train-event.js';
import { gradientStep } from '../gradient-step.js';
import { RunningMeans } from '../running-means.js';
import type { StepOutcome, Trained, TrainingStage } from '../training-stage.js';
import { chosenPrompts, inUpdates } from './epoch-order.js';
import { GroupField } from './group-field.js';
import { decodeLatents, disposeGroup, type ImageChunk, type ImageGroup } from './image-group.js';
import type { ImagePromptSample } from './image-prompts.js';
import { type Judgement, judgeImages } from './judge-images.js';
import { pictureNoise } from './picture-noise.js';
import { POLICY_PARTS, policyPass } from './policy-pass.js';
import { rollOut, stepTimes } from './roll-out.js';
import { windowStart } from './sde-window.js';
import { meanOfUpdates } from './update-means.js';

/** What Character-GRPO works with. */
export interface CharacterGrpoParts {
  readonly models: GenerationModels;
  readonly trained: Trained;
  /** The adapter (null: none) of the policy that the stage started from; absent when that policy is gone. */
  readonly reference?: LoraAdapter | null;
  readonly prompts: readonly ImagePromptSample[];
  readonly reward: CompositeReward<RewardSample>;
  /** Training pictures, for rewards and alarms. */
  readonly references: readonly RgbImage[];
  readonly emit: (event: TrainEvent) => void;
  readonly sample?: (epoch: number) => Promise<void>;
}

/**
 * Character-GRPO (spec 7; Liu et al. 2025, "Flow-GRPO"): one step is an epoch. Groups of pictures are drawn with a few
 * stochastic steps, judged, compared within their group, and the stochastic steps are made likelier or less likely.
 */
export class CharacterGrpoStage implements TrainingStage {
  readonly name = 'grpo';
  readonly steps: number;
  readonly schedule;
  readonly clipNorm: number;
  readonly precision;
  readonly trained: Trained;
  readonly optimizer: AdamW;
  readonly means: RunningMeans | undefined;
  private readonly config: TrainConfig['grpo'];
  private readonly seed: number;
  private readonly grid: Float32Array;
  private readonly fields = new Map<string, GroupField>();

  constructor(
    private readonly parts: CharacterGrpoParts,
    { grpo: config, seed, precision }: Pick<TrainConfig, 'grpo' | 'seed' | 'precision'>,
  ) {
    this.config = config;
    this.seed = seed;
    this.precision = precision;
    this.steps = config.epochs;
    this.schedule = config.optimizer;
    this.clipNorm = config.optimizer.clipNorm;
    this.trained = parts.trained;
    this.optimizer = new AdamW(config.optimizer);
    this.means = config.emaDecay > 0 ? new RunningMeans(parts.trained.variables, config.emaDecay) : undefined;
    this.grid = timeGrid(config.sampling.steps, config.sampling.shift);
  }

  async advance(epoch: number, lr: number, signal?: AbortSignal): Promise<StepOutcome> {
    const groups: ImageGroup[] = [];
    try {
      const chosen = chosenPrompts(this.parts.prompts, this.config.promptsPerEpoch, epoch, this.seed);
      for (const [index, sample] of chosen.entries()) {
        groups.push(await this.draw(sample, epoch, index, signal));
      }
      const { reward, references } = this.parts;
      const judgement = await judgeImages(groups, reward, references, this.config);
      this.emitJudgement(groups, judgement, epoch);
      const learnt = await this.learn(groups, judgement, epoch, lr);
      return {
        ...learnt,
        tokens: this.tokens(groups),
        rewards: judgement.means,
        measures: { ...judgement.measures, ...learnt.measures },
      };
    } finally {
      for (const group of groups) disposeGroup(group);
      for (const field of this.fields.values()) field.dispose();
      this.fields.clear();
    }
  }

  /** Draws all pictures of one prompt. */
  private async draw(
    sample: ImagePromptSample,
    epoch: number,
    index: number,
    signal: AbortSignal | undefined,
  ): Promise<ImageGroup> {
    const { groupSize, imagesPerPass, promptsPerEpoch, window, sampling } = this.config;
    const { model, vae, tokenizer } = this.parts.models;
    const start = windowStart(window, { seed: this.seed, epoch, epochs: this.steps, group: index });
    const ids = tokenizer.encode(sample.prompt);
    const group: ImageGroup = { sample, ids, start, chunks: [], images: [] };
    const before = (epoch * promptsPerEpoch + index) * groupSize;
    try {
      for (let from = 0; from < groupSize; from += imagesPerPass) {
        const count = Math.min(imagesPerPass, groupSize - from);
        const field = this.field(ids, count);
        const { rows, columns } = field.shape;
        const plan = {
          grid: this.grid,
          start,
          size: window.size,
          noiseLevel: sampling.noiseLevel,
          precision: this.precision,
          noise: pictureNoise({
            seed: this.seed,
            count,
            size: [rows * columns, field.channels],
            points: this.grid.length,
            picture: before + from,
            group: before,
            sameNoise: sampling.sameNoise,
          }),
        };
        const drawn = await rollOut(field, plan, signal);
        group.chunks.push({ ...drawn, first: index * groupSize + from, count });
        const grid = { rows, columns, patch: model.config.latent.patch };
        group.images.push(...(await decodeLatents(vae, drawn.latents, grid)));
      }
      return group;
    } catch (error) {
      disposeGroup(group);
      throw error;
    }
  }

  /** The velocity of `count` pictures of a prompt. Kept until the end of the epoch. */
  private field(ids: ArrayLike<number>, count: number): GroupField {
    const key = `${count}:${Array.from(ids).join()}`;
    const known = this.fields.get(key);
    if (known) return known;
    const { model, tokenizer } = this.parts.models;
    const { defaultSize } = model.config.images;
    const { pixels } = model.config.latent;
    const shape = {
      count,
      rows: Math.floor(defaultSize.height / pixels),
      columns: Math.floor(defaultSize.width / pixels),
    };
    const guidance = {
      text: this.config.sampling.guidance,
      image: 1,
      interval: [0, 1] as const,
      renorm: 'global' as const,
      renormMin: 0,
    };
    const field = new GroupField(model, tokenizer.special, ids, shape, guidance);
    this.fields.set(key, field);
    return field;
  }

  /** The optimizer steps of an epoch. Groups without variance are left out: nothing in them is better than the rest. */
  private async learn(
    groups: readonly ImageGroup[],
    { advantages, flat }: Judgement,
    epoch: number,
    lr: number,
  ): Promise<Pick<StepOutcome, 'losses' | 'gradNorm' | 'measures'>> {
    const { updates, innerEpochs } = this.config;
    const teaching = groups.filter((_, index) => !flat[index]);
    const batches = inUpdates(teaching, updates, innerEpochs, epoch, this.seed);
    // Later updates compare with the policy that drew the pictures, so its log-probabilities are taken before the first.
    if (batches.length > 1) for (const group of teaching) this.rememberLogProbs(group);
    const results: Record<string, number>[] = [];
    for (const batch of batches) {
      const pictures = batch.reduce((sum, group) => sum + group.images.length, 0);
      const share = 1 / (pictures * this.config.window.size);
      const open = batch.flatMap((group) =>
        group.chunks.flatMap((chunk) =>
          Array.from(
            { length: this.config.window.size },
            (_, step) => () => this.pass(group, chunk, step, advantages, share),
          ),
        ),
      );
      results.push(await gradientStep(this, lr, open, POLICY_PARTS));
    }
    return meanOfUpdates(results, POLICY_PARTS);
  }

  private pass(group: ImageGroup, chunk: ImageChunk, step: number, advantages: Float32Array, share: number) {
    const { reference, models } = this.parts;
    const asReference =
      reference === undefined ? undefined : <T>(f: () => T): T => models.model.withAdapter(reference, f);
    return policyPass(
      {
        field: this.field(group.ids, chunk.count),
        from: chunk.states[step]!,
        to: chunk.states[step + 1]!,
        times: stepTimes(this.grid, group.start + step, this.config.sampling.noiseLevel),
        advantages: advantages.slice(chunk.first, chunk.first + chunk.count),
        oldLogProb: chunk.oldLogProbs?.[step],
      },
      {
        policy: this.config,
        share,
        recompute: this.config.activationCheckpointing,
        // Without an anchor the reference is not worth a forward pass.
        asReference: this.config.anchor.kind === 'none' ? undefined : asReference,
      },
    );
  }

  private rememberLogProbs({ chunks, start, ids }: ImageGroup): void {
    for (const chunk of chunks) {
      const field = this.field(ids, chunk.count);
      chunk.oldLogProbs = Array.from({ length: this.config.window.size }, (_, step) => {
        const times = stepTimes(this.grid, start + step, this.config.sampling.noiseLevel);
        const [from, to] = [chunk.states[step]!, chunk.states[step + 1]!];
        return noGrad(() =>
          withAutocast(this.precision, () =>
            tf.tidy(() => flowSdeLogProb(to, from, field.at(from, times.t), times).logProb),
          ),
        );
      });
    }
  }

  /** Tokens of all forward passes of an epoch. */
  private tokens(groups: readonly ImageGroup[]): number {
    const { sampling, window, innerEpochs } = this.config;
    const branches = sampling.guidance > 1 ? 2 : 1;
    const passes = sampling.steps - 1 + window.size * innerEpochs;
    return groups.reduce((sum, { chunks }) => {
      const pictures = chunks.reduce(
        (total, { latents }) => total + latents.shape[0] * (latents.shape[1] + 2),
        0,
      );
      return sum + pictures * branches * passes;
    }, 0);
  }

  private emitJudgement(groups: readonly ImageGroup[], judgement: Judgement, epoch: number): void {
    this.parts.emit({
      type: 'rewards',
      stage: 'grpo',
      step: epoch + 1,
      prompts: groups.map(({ sample }, index) => ({ prompt: sample.prompt, ...judgement.byGroup[index]! })),
    });
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
