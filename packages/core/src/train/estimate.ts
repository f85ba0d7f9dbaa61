import { CODE_BLOCK, selectBackend, tf } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import {
  isGenerationExpert,
  loraModules,
  type ModelConfig,
  modelTensors,
  type TensorSpec,
  updateSize,
  vaeTensors,
} from '../model/index.js';
import { type MemoryNeeds, type MemoryPlan, PUBLISHED_NEEDS, trainingPlan } from '../plan/index.js';
import { openTensors } from '../tensor-io/index.js';
import { type BaseModel, configForSize, openBaseModel } from './base-model.js';
import { trainsAdapter } from './fine-tune.js';
import { learnsByAdapter } from './grpo/open-policy.js';
import { type LaterStage, stepsOf, wantedStages } from './progress.js';

/** What a stage is going to take. */
export interface StageEstimate {
  readonly stage: 'vae' | LaterStage;
  readonly steps: number;
  /** Weights that are trained. */
  readonly trained: number;
  /** Peak memory of tensors; absent for stages whose memory is that of another. */
  readonly memory?: MemoryPlan;
  /** Wall-clock seconds on this machine; samples and checkpoints come on top. */
  readonly seconds: number;
}

/** What a training run is going to take. */
export interface TrainingEstimate {
  /** Weights of the unified model. */
  readonly parameters: number;
  /** Weights of the autoencoder. */
  readonly vaeParameters: number;
  readonly stages: readonly StageEstimate[];
  /** Peak of weights, gradients, optimizer state and kept activations over all stages. */
  readonly memoryBytes: number;
  readonly seconds: number;
}

/** Operations per weight and token: a product; its gradient to the input; its gradient to the weight. */
const PRODUCT = 2;
/** The share of one large product's speed that the steps of a whole model reach. */
const STEP_EFFICIENCY = 0.35;
/** Bytes of the two moments of a weight; 8-bit codes have a scale per block beside them. */
const MOMENT_BYTES = { float32: 8, bf16: 4, int8: 2 * (1 + 4 / CODE_BLOCK) };
/** Tokens of a prompt or reply where nobody has counted. */
const USUAL_TEXT = 64;

/**
 * Memory and time of a training run, before it begins. The speed of the machine is measured with a matrix product that
 * takes some hundredths of a second; expect the time to be right within a factor of two or three. `measureTraining` is
 * closer.
 * @param longestPack tokens of the longest pack of Unified-SFT, where they have been counted
 * @throws ModelConfigError when the JSON files of the base model cannot be read
 */
export async function estimateTraining(config: TrainConfig, longestPack?: number): Promise<TrainingEstimate> {
  const base = openBaseModel(config.base);
  const model = configForSize(base, config.image.size);
  const speed = STEP_EFFICIENCY * (await productSpeed());
  const specs = modelTensors(model);
  const cost = new StageCosts(config, base, model, longestPack ?? config.sft.tokensPerPack);
  const stages = [
    ...(base.vae ? [] : [cost.vae(speed)]),
    ...wantedStages(config).map((stage) => cost.of(stage, speed)),
  ];
  return {
    parameters: countWeights(specs),
    vaeParameters: countWeights(vaeTensors(model.vae)),
    stages,
    memoryBytes: Math.max(...stages.map(({ memory }) => memory?.total ?? 0)),
    seconds: stages.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/** Floating-point weights of all tensors together. */
export function countWeights(specs: readonly TensorSpec[]): number {
  return specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);

/** Memory and operations of each stage of a configuration. */
class StageCosts {
  private readonly specs: TensorSpec[];
  /** Weights that a token is multiplied with: one of the two experts, and for text the output head. */
  private readonly expert: number;
  private readonly head: number;

  constructor(
    private readonly config: TrainConfig,
    private readonly base: BaseModel,
    private readonly model: ModelConfig,
    private readonly longestPack: number,
  ) {
    this.specs = modelTensors(model);
    this.expert = countWeights(this.specs.filter(({ name }) => name.includes('.layers.'))) / 2;
    this.head = countWeights(this.specs.filter(({ name }) => name.includes('lm_head')));
  }

  of(stage: LaterStage, speed: number): StageEstimate {
    return { stage, steps: stepsOf(this.config, stage), ...this[stage](speed) };
  }

  private sft(speed: number) {
    const { sft } = this.config;
    const adapted = trainsAdapter(sft.train, this.base);
    const trained = this.trained(sft.train, adapted, () => true);
    const tokens = sft.steps * sft.accumulation * sft.tokensPerPack;
    const learning = (adapted ? 2 : 3) * PRODUCT * (this.expert + this.head);
    const memory = this.memory('LoRA-SFT', sft, adapted, trained, this.longestPack);
    return { trained, memory, seconds: (tokens * learning) / speed };
  }

  private grpo(speed: number) {
    const { grpo } = this.config;
    const adapted = learnsByAdapter(grpo.train);
    const trained = this.trained(grpo.train, adapted, isGenerationExpert);
    const branches = grpo.sampling.guidance > 1 ? 2 : 1;
    const { defaultSize } = this.model.images;
    const { pixels } = this.model.latent;
    const picture = Math.floor(defaultSize.width / pixels) * Math.floor(defaultSize.height / pixels) + 2;
    const pictures = grpo.epochs * grpo.promptsPerEpoch * grpo.groupSize;
    const anchor = grpo.anchor.kind === 'none' ? 0 : 1;
    const products =
      grpo.sampling.steps - 1 + grpo.window.size * grpo.innerEpochs * ((adapted ? 2 : 3) + anchor);
    const operations = pictures * branches * picture * products * PRODUCT * this.expert;
    const pass = Math.min(grpo.imagesPerPass, grpo.groupSize) * branches * picture + USUAL_TEXT;
    const memory = this.memory('Character-GRPO', grpo, adapted, trained, pass);
    return { trained, memory, seconds: operations / speed };
  }

  private 'text-grpo'(speed: number) {
    const { textGrpo } = this.config;
    const adapted = learnsByAdapter(textGrpo.train);
    const trained = this.trained(textGrpo.train, adapted, (name) => !isGenerationExpert(name));
    const replies = textGrpo.epochs * textGrpo.promptsPerEpoch * textGrpo.groupSize;
    const anchor = textGrpo.anchor.kind === 'none' ? 0 : 1;
    const products = 1 + textGrpo.innerEpochs * ((adapted ? 2 : 3) + anchor);
    const tokens = replies * 2 * USUAL_TEXT;
    return { trained, seconds: (tokens * products * PRODUCT * (this.expert + this.head)) / speed };
  }

  /** Convolutions use each weight once per position of their level; deeper levels have a quarter of the positions. */
  vae(speed: number): StageEstimate {
    const { vae } = this.config;
    const { vae: model } = this.model;
    const specs = vaeTensors(model);
    const deepest = model.channelMultipliers.length - 1;
    const perImage = specs.reduce((sum, { name, shape }) => {
      const outer =
        /conv_in|conv_out|norm_out/.test(name) && name.startsWith('encoder') === name.includes('conv_in');
      const level = outer ? 0 : Number(/\.(?:down|up)\.(\d+)\./.exec(name)?.[1] ?? deepest);
      return sum + sizeOf(shape) * (vae.crop / 2 ** level) ** 2;
    }, 0);
    const operations = 3 * PRODUCT * vae.steps * vae.batchSize * perImage;
    return { stage: 'vae', steps: vae.steps, trained: countWeights(specs), seconds: operations / speed };
  }

  /** Weights that a stage trains. */
  private trained(
    { mode, parts, lora }: TrainConfig['sft']['train'],
    adapted: boolean,
    learns: (name: string) => boolean,
  ): number {
    if (adapted) {
      const settings = { targets: { und: lora.und, gen: lora.gen } };
      const shapes = new Map(this.specs.map(({ name, shape }) => [name, shape]));
      return loraModules(settings, this.model.llm.layers)
        .filter(learns)
        .reduce((sum, module) => {
          const [out, input] = shapes.get(`${module}.weight`)!;
          return sum + updateSize(lora, out!, input!);
        }, 0);
    }
    const variables = this.specs.filter(({ init }) => init.kind !== 'table');
    const named = ({ name }: TensorSpec) => mode !== 'parts' || parts.some((part) => name.includes(part));
    return countWeights(variables.filter(named));
  }

  private memory(
    purpose: 'LoRA-SFT' | 'Character-GRPO',
    stage: Pick<TrainConfig['grpo'], 'activationCheckpointing' | 'emaDecay' | 'optimizer' | 'train'>,
    adapted: boolean,
    trained: number,
    tokens: number,
  ): MemoryPlan {
    const { precision } = this.config;
    const needs: MemoryNeeds = {
      ...PUBLISHED_NEEDS,
      weights: storedType(this.base),
      products: precision,
      activationCheckpointing: stage.activationCheckpointing,
    };
    return trainingPlan(this.model, needs, {
      purpose: adapted || purpose === 'Character-GRPO' ? purpose : 'full SFT',
      trains: adapted ? 'adapter' : 'model',
      adapter: adapted ? trained : 0,
      tokens,
      moments: MOMENT_BYTES[stage.optimizer.state],
      means: stage.emaDecay > 0,
      dora: adapted && stage.train.lora.dora,
    });
  }
}

/** How the weights of a base are stored; a run without weights begins in float32. */
function storedType({ weights }: BaseModel): MemoryNeeds['weights'] {
  if (weights === undefined) return 'float32';
  const file = openTensors(weights);
  try {
    const [first] = file.names();
    return first !== undefined && file.info(first).dtype === 'BF16' ? 'bfloat16' : 'float32';
  } finally {
    file.close();
  }
}

/** Floating-point operations per second of a matrix product on the native backend. */
async function productSpeed(): Promise<number> {
  selectBackend('native');
  const side = 1024;
  const matrix = tf.ones([side, side]);
  const product = async (): Promise<void> => {
    const result = tf.matMul(matrix, matrix);
    await result.data();
    result.dispose();
  };
  await product();
  const started = performance.now();
  const repeats = 3;
  for (let repeat = 0; repeat < repeats; repeat++) await product();
  const seconds = (performance.now() - started) / 1000;
  matrix.dispose();
  return (2 * side ** 3 * repeats) / seconds;
}
