import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { tf } from '@unicharacter/native';
import { ADAPTER_FILE, type LoraAdapter, saveAdapter, type UnifiedModel } from '../model/index.js';
import { writeSafetensors } from '../tensor-io/index.js';
import { storedTensors } from './stored-tensors.js';
import { TrainError } from './train-error.js';
import type { Trained } from './training-stage.js';

/** File name of the unified model's weights in a checkpoint. */
export const MODEL_FILE = 'model.safetensors';

/** File name of the running means of the weights in a checkpoint; written only when they are on. */
export const MEANS_FILE = 'ema.safetensors';

/** Folder of the running means of an adapter in a checkpoint. */
export const MEANS_FOLDER = 'ema';

/** Weights of the model itself; checkpoints hold the whole model. */
export class TrainedModel implements Trained {
  readonly variables: ReadonlyMap<string, tf.Variable>;

  /**
   * @param parts pieces of published names: weights whose name contains one of them are trained; all when absent
   * @throws TrainError when a part names no weight
   */
  constructor(
    private readonly model: UnifiedModel,
    parts?: readonly string[],
  ) {
    const trainable = [...model.variables()];
    const unknown = parts?.filter((part) => !trainable.some(([name]) => name.includes(part))) ?? [];
    if (unknown.length > 0) {
      throw new TrainError(
        `parts to train: no weight has a name with ${unknown.map((part) => `"${part}"`).join(' or ')}; ` +
          `names look like ${trainable[1]?.[0]}`,
      );
    }
    this.variables = new Map(
      trainable.filter(([name]) => parts === undefined || parts.some((part) => name.includes(part))),
    );
  }

  save(folder: string): void {
    this.model.save(join(folder, MODEL_FILE));
  }

  /** Writes a whole model, with the means in the place of what is trained. */
  saveMeans(folder: string, means: ReadonlyMap<string, tf.Tensor>): void {
    const whole = new Map<string, tf.Tensor>([...this.model.tensors(), ...means]);
    writeSafetensors(this.meansFile(folder), storedTensors(whole), { format: 'pt' });
  }

  meansFile(folder: string): string {
    return join(folder, MEANS_FILE);
  }
}

/** A low-rank adapter; checkpoints hold the adapter only. */
export class TrainedAdapter implements Trained {
  readonly variables: ReadonlyMap<string, tf.Variable>;

  /**
   * @param base what the adapter belongs to, for its configuration file
   * @param trains which of the adapter's tensors are trained, by PEFT name; all unless told
   */
  constructor(
    private readonly adapter: LoraAdapter,
    private readonly base: string,
    trains: (name: string) => boolean = () => true,
  ) {
    this.variables = new Map([...adapter.variables()].filter(([name]) => trains(name)));
  }

  save(folder: string): void {
    saveAdapter(folder, this.adapter, this.base);
  }

  saveMeans(folder: string, means: ReadonlyMap<string, tf.Tensor>): void {
    const whole = new Map<string, tf.Tensor>([...this.adapter.variables(), ...means]);
    mkdirSync(join(folder, MEANS_FOLDER));
    saveAdapter(join(folder, MEANS_FOLDER), this.adapter, this.base, whole);
  }

  meansFile(folder: string): string {
    return join(folder, MEANS_FOLDER, ADAPTER_FILE);
  }
}
