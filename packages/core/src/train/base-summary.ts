import { modelTensors } from '../model/index.js';
import { openBaseModel } from './base-model.js';
import { countWeights } from './stage-work.js';

/** What one can start from: the size of a base model, and whether it comes with weights. */
export interface BaseModelSummary {
  /** Weights of the unified model. */
  readonly parameters: number;
  readonly pretrained: boolean;
}

/** @throws TrainError, ModelConfigError when the folder holds no base model */
export function describeBaseModel(folder: string): BaseModelSummary {
  const { config, weights } = openBaseModel(folder);
  return { parameters: countWeights(modelTensors(config)), pretrained: weights !== undefined };
}
