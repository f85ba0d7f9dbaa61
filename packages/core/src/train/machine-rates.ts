import { noGrad, selectBackend, tf, valueAndGrads, withAutocast } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import {
  type EncodedItem,
  emptyContext,
  feedTokens,
  inferLogits,
  LORA_PROJECTIONS,
  LoraAdapter,
  type LoraSettings,
  type MarkerIds,
  type ModelConfig,
  modelTensors,
  packRow,
  type StagedRow,
  stageRow,
  UnifiedModel,
} from '../model/index.js';
import { countWeights, forwardOperations, learningPasses, readWeights } from './stage-work.js';

/** How fast a machine does the kinds of work that training consists of. */
export interface MachineRates {
  /** Operations per second of whole training steps: products, attention, and everything between them. */
  readonly learning: number;
  /** Operations per second of passes without gradients. */
  readonly drawing: number;
  /** Weights per second that pass by while text is written token by token. */
  readonly weightReads: number;
}

/** What rates depend on beside the machine. */
export interface RateConditions {
  readonly precision: TrainConfig['precision'];
  /** Gradients of weights, or of an adapter beside them. */
  readonly trains: 'model' | 'adapter';
}

/** Larger models are stood in for by one of this many weights at most, with fewer layers and narrower ones. */
const MOST_WEIGHTS = 3e7;
/** Side of the pictures of the measured row in latent tokens, its pictures, and the tokens of each of its texts. */
const ROW = { side: 4, pictures: 40, texts: 12, textTokens: 64 };
/** Measured after one that warms up: at least so many steps. */
const REPEATS = 3;
const WRITTEN_TOKENS = 6;

const known = new Map<string, MachineRates>();

/**
 * Measures the rates of this machine by real steps of a model of this shape with random weights: forward and backward over
 * a row of text and pictures, forward alone, then some tokens written one by one. Takes some seconds, once per process for
 * each kind of model. What else the machine does meanwhile makes it slower, as it would the training.
 */
export function measureRates(model: ModelConfig, conditions: RateConditions): MachineRates {
  const key = JSON.stringify([model.llm, model.latent, conditions]);
  const rates = known.get(key) ?? measure(model, conditions);
  known.set(key, rates);
  return rates;
}

function measure(config: ModelConfig, conditions: RateConditions): MachineRates {
  selectBackend('native');
  const model = UnifiedModel.init(standIn(config), 1);
  model.inferencePrecision = conditions.precision;
  try {
    return { ...rowRates(model, conditions), weightReads: writingRate(model) };
  } finally {
    model.dispose();
  }
}

/** The model itself, or one like it that is small enough to be made in passing. */
function standIn(config: ModelConfig): ModelConfig {
  const { llm } = config;
  const vocabSize = Math.min(llm.vocabSize, 8192);
  let own: ModelConfig = { ...config, llm: { ...llm, vocabSize }, vit: { ...config.vit, layers: 1 } };
  while (countWeights(modelTensors(own)) > MOST_WEIGHTS && own.llm.layers > 2) own = withLayers(own, 0.5);
  while (countWeights(modelTensors(own)) > MOST_WEIGHTS) own = narrower(own);
  return own;
}

const withLayers = (config: ModelConfig, factor: number): ModelConfig => ({
  ...config,
  llm: { ...config.llm, layers: Math.max(2, Math.floor(config.llm.layers * factor)) },
});

/** Half as wide, with heads of the same size. */
function narrower(config: ModelConfig): ModelConfig {
  const { llm } = config;
  const kvHeads = Math.max(1, Math.floor(llm.kvHeads / 2));
  const heads = kvHeads * Math.floor(llm.heads / llm.kvHeads);
  const half = (size: number) => 64 * Math.max(1, Math.floor(size / 128));
  return {
    ...config,
    llm: {
      ...llm,
      kvHeads,
      heads,
      hiddenSize: half(llm.hiddenSize),
      intermediateSize: half(llm.intermediateSize),
    },
    vit: { ...config.vit, hiddenSize: config.vit.headDim, heads: 1, intermediateSize: 64 },
  };
}

/** Markers of the row; which tokens they are does not change the work. */
const MARKERS: MarkerIds = { bos: 0, eos: 1, soi: 2, eoi: 3 };

function rowOf(config: ModelConfig): StagedRow {
  const { side, pictures, texts, textTokens } = ROW;
  const latents = new Float32Array(side * side * config.latent.tokenDim).fill(0.1);
  const picture: EncodedItem = {
    kind: 'vae',
    latents,
    rows: side,
    columns: side,
    loss: true,
    droppable: false,
  };
  const ids = Array.from({ length: textTokens - 2 }, (_, i) => 4 + i);
  const text: EncodedItem = { kind: 'text', ids, loss: true, droppable: false };
  const samples = [
    ...Array.from({ length: texts }, () => ({ id: 'text', items: [text] })),
    ...Array.from({ length: pictures }, () => ({ id: 'picture', items: [picture] })),
  ];
  return stageRow(
    packRow(
      samples.map((sample) => ({ sample })),
      config,
      MARKERS,
    ),
    config,
  );
}

const PROJECTIONS = [...LORA_PROJECTIONS];
const ADAPTER: LoraSettings = {
  rank: 16,
  alpha: 16,
  rankStabilised: false,
  dora: false,
  targets: { und: PROJECTIONS, gen: PROJECTIONS },
};

/** Operations per second of passes over a row, with gradients and without. */
function rowRates(
  model: UnifiedModel,
  { precision, trains }: RateConditions,
): Pick<MachineRates, 'learning' | 'drawing'> {
  const { config } = model;
  const { side, pictures, texts, textTokens } = ROW;
  const adapter = trains === 'adapter' ? LoraAdapter.fresh(ADAPTER, model.adapterTargets(), 1) : null;
  const staged = rowOf(config);
  const variables = [...(adapter ?? model).variables().values()];
  const noise = tf.zeros([pictures * side * side, config.latent.tokenDim]) as tf.Tensor2D;
  const times = new Array<number>(pictures).fill(0.5);
  const forward = () => {
    const { ce, mse } = model.forwardTrain(staged, { times, noise });
    return { loss: tf.add(tf.mean(ce!), tf.mean(mse!)) as tf.Scalar };
  };
  const draw = () => noGrad(() => withAutocast(precision, () => tf.tidy(() => forward().loss.dataSync())));
  const learn = () => {
    const { loss, grads } = withAutocast(precision, () => valueAndGrads(forward, variables));
    loss.dataSync();
    tf.dispose([loss, ...grads.filter((grad) => grad !== null)]);
  };
  try {
    const seconds = model.withAdapter(adapter, () => ({ learn: secondsOf(learn), draw: secondsOf(draw) }));
    const picture = side * side + 2;
    const text = texts * textTokens * forwardOperations(config, { context: textTokens / 2, head: true });
    const drawn = pictures * picture * forwardOperations(config, { context: picture, head: false });
    return {
      learning: ((text + drawn) * learningPasses(trains)) / seconds.learn,
      drawing: (text + drawn) / seconds.draw,
    };
  } finally {
    staged.dispose();
    noise.dispose();
    adapter?.dispose();
  }
}

/** Weights per second that are read while tokens are written one by one. */
function writingRate(model: UnifiedModel): number {
  const context = emptyContext(model);
  const write = () => {
    for (let i = 0; i < WRITTEN_TOKENS; i++) {
      const hidden = feedTokens(model, context, [4 + i]);
      tf.tidy(() => inferLogits(model, hidden).dataSync());
      hidden.dispose();
    }
  };
  try {
    return (WRITTEN_TOKENS * readWeights(model.config)) / secondsOf(write);
  } finally {
    context.dispose();
  }
}

/** Median seconds of `f`, warmed up. */
function secondsOf(f: () => void): number {
  f();
  const times = Array.from({ length: REPEATS }, () => {
    const start = performance.now();
    f();
    return (performance.now() - start) / 1000;
  });
  return times.sort((a, b) => a - b)[REPEATS >> 1]!;
}
