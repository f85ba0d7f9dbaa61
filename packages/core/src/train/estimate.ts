import type { TrainConfig } from '../config/index.js';
import { isGenerationExpert, type ModelConfig, modelTensors, vaeTensors } from '../model/index.js';
import type { MemoryPlan } from '../plan/index.js';
import { type BaseModel, configForSize, openBaseModel } from './base-model.js';
import { trainsAdapter } from './fine-tune.js';
import { learnsByAdapter } from './grpo/open-policy.js';
import { type MachineRates, measureRates } from './machine-rates.js';
import { type LaterStage, stepsOf, wantedStages } from './progress.js';
import { grpoPassTokens, stageMemory, trainedWeights } from './stage-memory.js';
import {
  countWeights,
  grpoWork,
  type LearningMode,
  type StageWork,
  sftWork,
  textGrpoWork,
  vaeWork,
} from './stage-work.js';
import type { PackPlan } from './task-plan.js';

/** What a stage is going to take. */
export interface StageEstimate {
  readonly stage: 'vae' | LaterStage;
  readonly steps: number;
  /** Weights that are trained. */
  readonly trained: number;
  /** Peak memory of tensors; absent for stages whose memory is that of another. */
  readonly memory?: MemoryPlan;
  readonly work: StageWork;
  /** Wall-clock seconds; judges, samples and checkpoints come on top. */
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

/** What is known beforehand, instead of being assumed or measured. */
export interface EstimateOptions {
  /** The packs of Unified-SFT, counted. */
  readonly packs?: PackPlan;
  /** Rates of another machine; those of this one are measured unless told. */
  readonly rates?: MachineRates;
}

/**
 * Memory and time of a training run, before it begins: the work of each stage, counted from the shapes of the model, over
 * the rates at which this machine takes real steps of such a model (`measureRates`).
 * On a machine that does nothing else meanwhile it is right within a factor of two; `measureTraining` is closer.
 * @throws ModelConfigError when the JSON files of the base model cannot be read
 */
export function estimateTraining(config: TrainConfig, options: EstimateOptions = {}): TrainingEstimate {
  const base = openBaseModel(config.base);
  const model = configForSize(base, config.image.size);
  const plan = { config, base, model, ...options };
  const stages = [
    ...(base.vae ? [] : [vaeEstimate(plan)]),
    ...wantedStages(config).map((stage) => of(stage, plan)),
  ];
  return {
    parameters: countWeights(modelTensors(model)),
    vaeParameters: countWeights(vaeTensors(model.vae)),
    stages,
    memoryBytes: Math.max(...stages.map(({ memory }) => memory?.total ?? 0)),
    seconds: stages.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

interface Plan extends EstimateOptions {
  readonly config: TrainConfig;
  readonly base: BaseModel;
  readonly model: ModelConfig;
}

function of(stage: LaterStage, plan: Plan): StageEstimate {
  const { config } = plan;
  const own = { sft: sftEstimate, grpo: grpoEstimate, 'text-grpo': textGrpoEstimate }[stage](plan);
  return { stage, steps: stepsOf(config, stage), ...own };
}

type Costs = Omit<StageEstimate, 'stage' | 'steps'>;

function sftEstimate(plan: Plan): Costs {
  const { config, base, model, packs } = plan;
  const adapted = trainsAdapter(config.sft.train, base);
  const trained = trainedWeights(config.sft.train, adapted, () => true, model);
  const tokens = packs?.longestPack ?? config.sft.tokensPerPack;
  const mode = modeOf(adapted, config.sft.activationCheckpointing);
  return {
    trained,
    memory: stageMemory(config.sft, { purpose: 'LoRA-SFT', adapted, trained, tokens }, memoryPlan(plan)),
    ...timed(sftWork(config, model, mode, packs?.tokensPerPack), mode, plan),
  };
}

function grpoEstimate(plan: Plan): Costs {
  const { config, model } = plan;
  const adapted = learnsByAdapter(config.grpo.train);
  const trained = trainedWeights(config.grpo.train, adapted, isGenerationExpert, model);
  const pass = {
    purpose: 'Character-GRPO',
    adapted,
    trained,
    tokens: grpoPassTokens(config, model),
  } as const;
  const mode = modeOf(adapted, config.grpo.activationCheckpointing);
  return {
    trained,
    memory: stageMemory(config.grpo, pass, memoryPlan(plan)),
    ...timed(grpoWork(config, model, mode), mode, plan),
  };
}

function textGrpoEstimate(plan: Plan): Costs {
  const { config, model } = plan;
  const adapted = learnsByAdapter(config.textGrpo.train);
  const trained = trainedWeights(config.textGrpo.train, adapted, (name) => !isGenerationExpert(name), model);
  const mode = modeOf(adapted);
  return { trained, ...timed(textGrpoWork(config, model, mode), mode, plan) };
}

function vaeEstimate(plan: Plan): StageEstimate {
  const { config, model } = plan;
  const mode = modeOf(false);
  const trained = countWeights(vaeTensors(model.vae));
  return { stage: 'vae', steps: config.vae.steps, trained, ...timed(vaeWork(config, model), mode, plan) };
}

const modeOf = (adapted: boolean, recompute = false): LearningMode => ({
  trains: adapted ? 'adapter' : 'model',
  recompute,
});

const memoryPlan = ({ base, model, config: { precision } }: Plan) => ({ base, model, precision });

function timed(
  work: StageWork,
  { trains }: LearningMode,
  plan: Plan,
): Pick<StageEstimate, 'work' | 'seconds'> {
  const { precision } = plan.config;
  const rates = plan.rates ?? measureRates(plan.model, { precision, trains });
  const kinds = ['learning', 'drawing', 'weightReads'] as const;
  return { work, seconds: kinds.reduce((sum, kind) => sum + work[kind] / rates[kind], 0) };
}
