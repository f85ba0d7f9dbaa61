import { loraScale, randomUniform, tf } from '@unicharacter/native';
import { type Expert, layerNames } from './checkpoint-names.js';
import { nameStream } from './fresh-weights.js';
import type { LoraSettings } from './lora-settings.js';
import type { LowRankUpdate } from './weight-store.js';

/** A module that an adapter updates: y = x·Wᵀ with W [out, in]. */
export interface LoraTarget {
  readonly out: number;
  readonly in: number;
}

/** Prefix that PEFT puts before the names of the base model. */
const PEFT_PREFIX = 'base_model.model.';
const DOWN = '.lora_A.weight';
const UP = '.lora_B.weight';

/** PEFT's name of a part of an adapter: `base_model.model.<module>.lora_A.weight`. */
export const peftName = (module: string, part: 'A' | 'B') =>
  `${PEFT_PREFIX}${module}${part === 'A' ? DOWN : UP}`;

/** The module and part that a PEFT name means, or undefined for another name. */
export function parsePeftName(name: string): { module: string; part: 'A' | 'B' } | undefined {
  const part = name.endsWith(DOWN) ? 'A' : name.endsWith(UP) ? 'B' : undefined;
  if (part === undefined || !name.startsWith(PEFT_PREFIX)) return undefined;
  return { module: name.slice(PEFT_PREFIX.length, -DOWN.length), part };
}

/** Published names of the modules that these settings update in a model of `layers` layers. */
export function loraModules({ targets }: Pick<LoraSettings, 'targets'>, layers: number): string[] {
  const experts: readonly Expert[] = ['und', 'gen'];
  return Array.from({ length: layers }, (_, layer) =>
    experts.flatMap((expert) => targets[expert].map((projection) => layerNames(layer, expert)[projection])),
  ).flat();
}

/**
 * A low-rank adapter of the language model: for each of its modules `lora_A` [rank, in] and `lora_B` [out, rank].
 * The base is never changed; a model computes with the adapter that `UnifiedModel.useAdapter` was given last.
 */
export class LoraAdapter {
  readonly scale: number;
  readonly #updates: ReadonlyMap<string, { readonly a: tf.Variable; readonly b: tf.Variable }>;

  /** @param updates by published module name; the adapter owns the variables */
  constructor(
    readonly settings: LoraSettings,
    updates: ReadonlyMap<string, { readonly a: tf.Variable; readonly b: tf.Variable }>,
  ) {
    this.scale = loraScale(settings.alpha, settings.rank, settings.rankStabilised);
    this.#updates = updates;
  }

  /**
   * An adapter that changes nothing yet: A uniform in ±1/√in (PEFT's initialisation), B zero.
   * @param targets shapes of all modules that can be updated, by published name
   */
  static fresh(settings: LoraSettings, targets: ReadonlyMap<string, LoraTarget>, seed: number): LoraAdapter {
    const layers =
      1 + Math.max(...[...targets.keys()].map((name) => Number(/\.layers\.(\d+)\./.exec(name)?.[1])));
    const updates = new Map(
      loraModules(settings, layers).map((module) => {
        const target = targets.get(module);
        if (!target)
          throw new RangeError(`an adapter cannot update "${module}": the model has no such projection`);
        const key = { seed, stream: nameStream(peftName(module, 'A')), counter: 0 };
        const [a, b] = tf.tidy(() => [
          tf.variable(uniform([settings.rank, target.in], 1 / Math.sqrt(target.in), key)),
          tf.variable(tf.zeros([target.out, settings.rank])),
        ]);
        return [module, { a: a as tf.Variable, b: b as tf.Variable }];
      }),
    );
    return new LoraAdapter(settings, updates);
  }

  /** An adapter of its own with the same values. */
  copy(): LoraAdapter {
    const updates = new Map(
      [...this.#updates].map(([module, { a, b }]) => [
        module,
        { a: tf.tidy(() => tf.variable(a)), b: tf.tidy(() => tf.variable(b)) },
      ]),
    );
    return new LoraAdapter(this.settings, updates);
  }

  /** What is added to a module, or undefined. */
  update(module: string): LowRankUpdate | undefined {
    const own = this.#updates.get(module);
    return (
      own && { a: own.a as tf.Tensor as tf.Tensor2D, b: own.b as tf.Tensor as tf.Tensor2D, scale: this.scale }
    );
  }

  /** Published names of the updated modules. */
  modules(): string[] {
    return [...this.#updates.keys()];
  }

  /** All tensors by PEFT name. */
  variables(): ReadonlyMap<string, tf.Variable> {
    return new Map(
      [...this.#updates].flatMap(([module, { a, b }]) => [
        [peftName(module, 'A'), a],
        [peftName(module, 'B'), b],
      ]),
    );
  }

  dispose(): void {
    for (const { a, b } of this.#updates.values()) tf.dispose([a, b]);
  }
}

/** The update as a matrix, `scale·B·A` [out, in], always in float32. The caller disposes it. */
export function updateMatrix({ a, b, scale }: LowRankUpdate): tf.Tensor2D {
  return tf.tidy(() => tf.mul(tf.matMul(b, a), scale) as tf.Tensor2D);
}

function uniform(
  shape: [number, number],
  bound: number,
  key: Parameters<typeof randomUniform>[1],
): tf.Tensor {
  return tf.sub(tf.mul(randomUniform(shape, key), 2 * bound), bound);
}
