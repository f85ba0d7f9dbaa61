import { flowSdeLogProb, noGrad, tf, withAutocast } from '@unicharacter/native';
import type { TrainConfig } from '../../config/index.js';
import { timeGrid } from '../../generate/index.js';
import type { RgbImage } from '../../image/index.js';
import type { RewardSample } from '../../reward/index.js';
import type { Pass } from '../gradient-step.js';
import { GroupField } from './group-field.js';
import { decodeLatents, disposeGroup, type ImageChunk, type ImageGroup } from './image-group.js';
import { type ImagePromptSample, someQuestions } from './image-prompts.js';
import { type Judgement, judgeImages } from './judge-images.js';
import { pictureNoise } from './picture-noise.js';
import { policyPass } from './policy-pass.js';
import { PolicyStage, type PolicyStageParts } from './policy-stage.js';
import { rollOut, stepTimes } from './roll-out.js';
import { windowStart } from './sde-window.js';

/** What Character-GRPO works with. */
export interface CharacterGrpoParts extends PolicyStageParts<ImagePromptSample, RewardSample> {
  /** Training pictures, for rewards and alarms. */
  readonly references: readonly RgbImage[];
}

/**
 * Character-GRPO (spec 7; Liu et al. 2025, "Flow-GRPO"): groups of pictures are drawn with a few stochastic steps, and
 * these steps are what is made likelier or less likely.
 */
export class CharacterGrpoStage extends PolicyStage<
  TrainConfig['grpo'],
  ImagePromptSample,
  RewardSample,
  ImageGroup,
  CharacterGrpoParts
> {
  readonly name = 'grpo';
  private readonly grid: Float32Array;
  private readonly fields = new Map<string, GroupField>();

  constructor(parts: CharacterGrpoParts, config: Pick<TrainConfig, 'grpo' | 'seed' | 'precision'>) {
    super(parts, config.grpo, config);
    this.grid = timeGrid(this.config.sampling.steps, this.config.sampling.shift);
  }

  /** Draws all pictures of one prompt. */
  protected async draw(
    prompt: ImagePromptSample,
    epoch: number,
    index: number,
    signal: AbortSignal | undefined,
  ): Promise<ImageGroup> {
    const { groupSize, promptsPerEpoch, window } = this.config;
    const start = windowStart(window, { seed: this.seed, epoch, epochs: this.steps, group: index });
    const place = { seed: this.seed, epoch, index };
    const sample = someQuestions(prompt, this.config.rewards.questions, place);
    const group: ImageGroup = { sample, start, chunks: [], images: [] };
    const before = (epoch * promptsPerEpoch + index) * groupSize;
    try {
      await this.fill(group, before, signal);
      return group;
    } catch (error) {
      disposeGroup(group);
      throw error;
    }
  }

  /** Draws the pictures of a group. @param before number of its first picture in the run */
  protected async fill(group: ImageGroup, before: number, signal: AbortSignal | undefined): Promise<void> {
    const { groupSize, imagesPerPass } = this.config;
    const ids = this.parts.models.tokenizer.encode(group.sample.prompt);
    for (let from = 0; from < groupSize; from += imagesPerPass) {
      const count = Math.min(imagesPerPass, groupSize - from);
      await this.drawChunk(group, ids, { from, count, before }, signal);
    }
  }

  /** Draws pictures of a group that go through the model together. @param place.before pictures of earlier groups */
  protected async drawChunk(
    group: ImageGroup,
    ids: ArrayLike<number>,
    { from, count, before }: { from: number; count: number; before: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { window, sampling } = this.config;
    const { model, vae } = this.parts.models;
    const field = this.field(ids, count);
    const { rows, columns } = field.shape;
    const noise = pictureNoise({
      seed: this.seed,
      count,
      size: [rows * columns, field.channels],
      points: this.grid.length,
      picture: before + from,
      group: before,
      sameNoise: sampling.sameNoise,
    });
    const drawn = await rollOut(
      field,
      {
        grid: this.grid,
        start: group.start,
        size: window.size,
        noiseLevel: sampling.noiseLevel,
        precision: this.precision,
        noise,
        // Pictures that begin with the same noise are one picture until the first stochastic step.
        ...(sampling.sameNoise ? { common: this.field(ids, 1) } : {}),
      },
      signal,
    );
    group.chunks.push({ ...drawn, ids, first: from, count });
    group.images.push(
      ...(await decodeLatents(vae, drawn.latents, { rows, columns, patch: model.config.latent.patch })),
    );
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

  protected judge(groups: readonly ImageGroup[]): Promise<Judgement> {
    return judgeImages(groups, this.parts.reward, this.parts.references, this.config);
  }

  protected describe({ sample }: ImageGroup): string {
    return sample.prompt;
  }

  protected passes(group: ImageGroup, advantages: Float32Array, share: number): (() => Pass)[] {
    const steps = Array.from({ length: this.config.window.size }, (_, step) => step);
    return group.chunks.flatMap((chunk) =>
      steps.map((step) => () => this.pass(group, chunk, step, advantages, share / steps.length)),
    );
  }

  private pass(
    group: ImageGroup,
    { ids, first, count, states, oldLogProbs }: ImageChunk,
    step: number,
    advantages: Float32Array,
    share: number,
  ): Pass {
    return policyPass(
      {
        field: this.field(ids, count),
        from: states[step]!,
        to: states[step + 1]!,
        times: stepTimes(this.grid, group.start + step, this.config.sampling.noiseLevel),
        advantages: advantages.slice(first, first + count),
        oldLogProb: oldLogProbs?.[step],
      },
      {
        policy: this.config,
        share,
        recompute: this.config.activationCheckpointing,
        asReference: this.referenceFor(this.config.anchor.kind),
      },
    );
  }

  protected remember({ chunks, start }: ImageGroup): void {
    for (const chunk of chunks) {
      const field = this.field(chunk.ids, chunk.count);
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

  protected tokens(groups: readonly ImageGroup[]): number {
    const { sampling, window, innerEpochs } = this.config;
    const branches = sampling.guidance > 1 ? 2 : 1;
    return groups.reduce((sum, { chunks, start }) => {
      const steps = sampling.steps - 1 + window.size * innerEpochs;
      const pictures = chunks.reduce((total, { count, latents }) => {
        const [, tokens] = latents.shape;
        const spared = sampling.sameNoise ? start * (count - 1) : 0;
        return total + (count * steps - spared) * (tokens + 2);
      }, 0);
      return sum + pictures * branches;
    }, 0);
  }

  protected release(groups: readonly ImageGroup[]): void {
    for (const group of groups) disposeGroup(group);
    for (const field of this.fields.values()) field.dispose();
    this.fields.clear();
  }
}
