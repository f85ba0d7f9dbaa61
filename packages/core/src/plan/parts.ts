import {
  isGenerationExpert,
  type ModelConfig,
  modelTensors,
  type TensorSpec,
  vaeTensors,
} from '../model/index.js';

/** Weights of one part of a model. */
export interface PartCount {
  readonly part: string;
  readonly tensors: number;
  readonly parameters: number;
}

/** Parts of the unified model by what their published names contain; the first that fits counts (spec 1.5). */
const PARTS: readonly (readonly [part: string, belongs: (name: string) => boolean])[] = [
  ['position tables', (name) => name.endsWith('pos_embed')],
  ['text embeddings', (name) => name.includes('embed_tokens')],
  ['output head', (name) => name.includes('lm_head')],
  ['generation expert', isGenerationExpert],
  ['understanding expert', (name) => name.startsWith('language_model.')],
  ['vision tower', (name) => name.startsWith('vit_model.')],
  ['connector', (name) => name.startsWith('connector.')],
  ['time embedder', (name) => name.startsWith('time_embedder.')],
  ['latent projections', (name) => /^(vae2llm|llm2vae)\./.test(name)],
];

/** Counts of all parts of the unified model, without the autoencoder. */
export function countModelParts(config: ModelConfig): PartCount[] {
  const specs = modelTensors(config);
  const partOf = (name: string) => PARTS.find(([, belongs]) => belongs(name))?.[0];
  return PARTS.map(([part]) =>
    count(
      part,
      specs.filter(({ name }) => partOf(name) === part),
    ),
  );
}

/** Counts of the two halves of the autoencoder. */
export function countVaeParts({ vae }: ModelConfig): PartCount[] {
  const specs = vaeTensors(vae);
  return ['encoder', 'decoder'].map((half) =>
    count(
      `autoencoder, ${half}`,
      specs.filter(({ name }) => name.startsWith(half)),
    ),
  );
}

/** All parts together under one name. */
export function totalOf(part: string, parts: readonly PartCount[]): PartCount {
  const sum = (key: 'tensors' | 'parameters') => parts.reduce((total, entry) => total + entry[key], 0);
  return { part, tensors: sum('tensors'), parameters: sum('parameters') };
}

function count(part: string, specs: readonly TensorSpec[]): PartCount {
  const parameters = specs.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0);
  return { part, tensors: specs.length, parameters };
}
