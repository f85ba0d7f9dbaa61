import { loraScale, randomUniform, tf } from '@unicharacter/native';
import { type Expert, layerNames } from './checkpoint-names.js';
import { nameStream } from './fresh-weights.js';
import type { LoraSettings } from './lora-settings.js';
import { type AdapterPart, peftName } from './peft-names.js';
import { RowLengths, rowNorms } from './row-lengths.js';
import type { LowRankUpdate } from './weight-store.js';

/** A module that an adapter updates: y = x·Wᵀ with W [out, in]. */
export interface LoraTarget {
  readonly out: number;
  readonly in: number;
  readonly weight: tf.Tensor2D;
}

/** The tensors of a module's update, by part; `magnitude` with DoRA only. */
export type UpdateTensors = Readonly<Record<'A' | 'B', tf.Variable> & { magnitude?: tf.Variable }>;

/** Published names of the modules that these settings update in a model of `layers` layers. */
export function loraModules({ targets }: Pick<LoraSettings, 'targets'>, layers: number): string[] {
  const experts: readonly Expert[] = ['und', 'gen'];
  return Array.from({ length: layers }, (_, layer) =>
    experts.flatMap((expert) => targets[expert].map((projection) => layerNames(layer, expert)[projection])),
  ).flat();
}

/** Weights of the update of a module [out, in] under these settings. */
export function updateSize(
  { rank, dora }: Pick<LoraSettings, 'rank' | 'dora'>,
  out: number,
  input: number,
): number {
  return rank * (out + input) + (dora ? out : 0);
}

/**
 * A low-rank adapter of the language model: for each of its modules `lora_A` [rank, in] and `lora_B` [out, rank], with DoRA
 * also `lora_magnitude_vector` [out].
 * The base is never changed; a model computes with the adapter that `UnifiedModel.useAdapter` was given last.
 */
export class LoraAdapter {
  readonly #updates: ReadonlyMap<string, LowRankUpdate>;
  readonly #variables: ReadonlyMap<string, tf.Variable>;

  /** @param tensors by published module name; the adapter owns the variables */
  constructor(
    readonly settings: LoraSettings,
    tensors: ReadonlyMap<string, UpdateTensors>,
  ) {
    const scale = loraScale(settings.alpha, settings.rank, settings.rankStabilised);
    const matrix = (variable: tf.Variable) => variable as tf.Tensor as tf.Tensor2D;
    this.#updates = new Map(
      [...tensors].map(([module, { A, B, magnitude }]) => {
        const rows = magnitude && { rows: new RowLengths(magnitude) };
        return [module, { a: matrix(A), b: matrix(B), scale, ...rows }];
      }),
    );
    this.#variables = new Map(
      [...tensors].flatMap(([module, parts]) =>
        Object.entries(parts).map(([part, variable]) => [peftName(module, part as AdapterPart), variable]),
      ),
    );
  }

  /**
   * An adapter that changes nothing yet: A uniform in ±1/√in (PEFT's initialisation), B zero, row lengths those of the base.
   * @param targets all modules that can be updated, by published name
   */
  static fresh(settings: LoraSettings, targets: ReadonlyMap<string, LoraTarget>, seed: number): LoraAdapter {
    const layers =
      1 + Math.max(...[...targets.keys()].map((name) => Number(/\.layers\.(\d+)\./.exec(name)?.[1])));
    const tensors = loraModules(settings, layers).map((module): [string, UpdateTensors] => {
      const target = targets.get(module);
      if (!target)
        throw new RangeError(`an adapter cannot update "${module}": the model has no such projection`);
      const key = { seed, stream: nameStream(peftName(module, 'A')), counter: 0 };
      return [module, freshUpdate(settings, target, key)];
    });
    return new LoraAdapter(settings, new Map(tensors));
  }

  /** An adapter of its own with the same values. */
  copy(): LoraAdapter {
    const own = (tensor: tf.Tensor) => tf.tidy(() => tf.variable(tensor));
    const tensors = [...this.#updates].map(([module, { a, b, rows }]): [string, UpdateTensors] => [
      module,
      { A: own(a), B: own(b), ...(rows && { magnitude: own(rows.magnitude) }) },
    ]);
    return new LoraAdapter(this.settings, new Map(tensors));
  }

  /** What is added to a module, or undefined. */
  update(module: string): LowRankUpdate | undefined {
    return this.#updates.get(module);
  }

  /** Published names of the updated modules. */
  modules(): string[] {
    return [...this.#updates.keys()];
  }

  /** All tensors by PEFT name. */
  variables(): ReadonlyMap<string, tf.Variable> {
    return this.#variables;
  }

  dispose(): void {
    for (const { a, b, rows } of this.#updates.values()) {
      tf.dispose([a, b]);
      rows?.dispose();
    }
  }
}

/** A weight with its update merged, [out, in], always in float32. The caller disposes it. */
export function mergedWeight(weight: tf.Tensor2D, update: LowRankUpdate): tf.Tensor2D {
  return tf.tidy(() => {
    const { a, b, scale, rows } = update;
    const changed = tf.add(weight, tf.mul(tf.matMul(b, a), scale)) as tf.Tensor2D;
    return rows ? tf.mul(changed, tf.expandDims(rows.factor(weight, update), 1)) : changed;
  });
}

function freshUpdate(
  { rank, dora }: LoraSettings,
  { out, in: input, weight }: LoraTarget,
  key: Parameters<typeof randomUniform>[1],
): UpdateTensors {
  const bound = 1 / Math.sqrt(input);
  const variable = (make: () => tf.Tensor) => tf.tidy(() => tf.variable(make()));
  const A = variable(() => tf.sub(tf.mul(randomUniform([rank, input], key), 2 * bound), bound));
  const B = variable(() => tf.zeros([out, rank]));
  if (!dora) return { A, B };
  const update = { a: A as tf.Tensor as tf.Tensor2D, b: B as tf.Tensor as tf.Tensor2D, scale: 0 };
  return { A, B, magnitude: variable(() => rowNorms(weight, update)) };
}
