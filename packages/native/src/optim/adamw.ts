import * as tf from '../../lib/tfjs.mjs';
import { noGrad } from '../autodiff/no-grad.js';
import { describe } from '../ops/check.js';
import { hasKernel, runMany } from '../ops/dispatch.js';
import { globalNorm } from './global-norm.js';
import { ownStorage } from './in-place.js';
import { type MomentFormat, type MomentType, momentFormat } from './moment-format.js';

export interface AdamWConfig {
  /** Step size used when `step` gets none. */
  lr?: number;
  /** Decay rates of the first and second moment. */
  betas: readonly [number, number];
  /** Added to √v̂. */
  eps: number;
  /** Decoupled weight decay per unit of learning rate. */
  weightDecay: number;
  /**
   * How moments are stored, default 'float32'. 'bf16' halves their memory; 'int8' takes a quarter and 1.6 %: codes of one byte
   * in blocks of 256 (arXiv 2110.02861), the second moment as its root. Arithmetic stays float32 and results are rounded at
   * random by step and element, so that small changes count on average. Only the native backend stores fewer bytes; on
   * others the option changes nothing.
   */
  state?: MomentType;
  /** Which variables decay; all when absent. */
  decays?: (variable: tf.Variable) => boolean;
}

export interface AdamWStep {
  lr?: number;
  /** Gradients are scaled down together so that their global norm does not exceed this. */
  clipNorm?: number;
}

/** Everything an exact resume needs. The tensors are live: read them before the next step, do not dispose them. */
export interface AdamWState {
  step: number;
  /**
   * `<variable>.exp_avg` and `<variable>.exp_avg_sq`, shaped like the variable. With 8 bits `….exp_avg_codes` and
   * `….exp_avg_sq_root_codes` (type bool, one byte each) and `….exp_avg_absmax`, `….exp_avg_sq_root_absmax`, one number per block.
   */
  tensors: Map<string, tf.Tensor>;
}

/** Coefficients of one step, the same for every variable but for the decay. */
interface Coefficients {
  step: number;
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** 1/(1 − β₁ᵗ) and 1/√(1 − β₂ᵗ). */
  correction1: number;
  correction2: number;
  /** 0: no clipping. */
  clipNorm: number;
}

const CLIP_EPS = 1e-6;

/**
 * AdamW (Loshchilov & Hutter 2019, algorithm 2) over many variables, in place:
 * `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
 * `w ← w − lr·λ·w − lr · m/(1−β₁ᵗ) / (√v/√(1−β₂ᵗ) + eps)`.
 *
 * Moments are keyed by variable name, made at a variable's first gradient. With `clipNorm` c each gradient is
 * multiplied by `min(1, c / (norm + 1e-6))`; the factor is applied on the device, nothing is read to the host.
 */
export class AdamW {
  readonly #config: AdamWConfig;
  /** The tensors of each variable's moments, in the order of the format's suffixes. */
  readonly #moments = new Map<string, tf.Variable[]>();
  readonly #format: MomentFormat;
  #tables: tf.Tensor[] | null = null;
  #step = 0;

  /** @throws Error when a number is out of range */
  constructor(config: AdamWConfig) {
    const { betas, eps, weightDecay } = config;
    const valid = betas.every((beta) => beta >= 0 && beta < 1) && eps > 0 && weightDecay >= 0;
    if (!valid) {
      throw new Error(
        `AdamW: expected betas in [0, 1), eps > 0 and weightDecay >= 0, ` +
          `found betas [${betas}], eps ${eps}, weightDecay ${weightDecay}`,
      );
    }
    this.#config = config;
    this.#format = momentFormat(config.state ?? 'float32');
  }

  /** Steps taken. */
  get steps(): number {
    return this.#step;
  }

  /**
   * One update of `vars` in place. `grads[i]` belongs to `vars[i]`; a null gradient leaves its variable (and its decay)
   * alone. The gradients stay the caller's.
   *
   * @returns the global gradient norm before clipping, a scalar tensor
   * @throws Error when lists or shapes do not match or no learning rate is known
   */
  step(
    vars: readonly tf.Variable[],
    grads: readonly (tf.Tensor | null)[],
    options: AdamWStep = {},
  ): tf.Scalar {
    const lr = options.lr ?? this.#config.lr;
    if (lr === undefined) throw new Error('AdamW.step: expected a learning rate here or in the constructor');
    if (vars.length !== grads.length) {
      throw new Error(
        `AdamW.step: expected one gradient per variable, found ${grads.length} for ${vars.length}`,
      );
    }
    const pairs = vars.flatMap((variable, i) => {
      const gradient = grads[i] ?? null;
      if (gradient === null) return [];
      if (!tf.util.arraysEqual(gradient.shape, variable.shape)) {
        const found = `${describe(variable.name, variable)} and ${describe('its gradient', gradient)}`;
        throw new Error(`AdamW.step: expected equal shapes, found ${found}`);
      }
      const decay = (this.#config.decays?.(variable) ?? true) ? this.#config.weightDecay : 0;
      return [{ variable, gradient, moments: this.#momentsOf(variable), decay }];
    });
    this.#step++;
    const [beta1, beta2] = this.#config.betas;
    const coefficients: Coefficients = {
      step: this.#step,
      lr,
      beta1,
      beta2,
      eps: this.#config.eps,
      correction1: 1 / (1 - beta1 ** this.#step),
      correction2: 1 / Math.sqrt(1 - beta2 ** this.#step),
      clipNorm: options.clipNorm ?? 0,
    };
    return noGrad(() => {
      const norm = globalNorm(pairs.map((pair) => pair.gradient));
      if (hasKernel(this.#format.kernel)) this.#fusedUpdate(pairs, norm, coefficients);
      else composedUpdate(pairs, norm, coefficients);
      return norm;
    });
  }

  /** Step count and moments, for a checkpoint. */
  state(): AdamWState {
    const tensors = [...this.#moments].flatMap(([name, moments]) =>
      moments.map((moment, i): [string, tf.Tensor] => [name + this.#format.suffixes[i], moment]),
    );
    return { step: this.#step, tensors: new Map(tensors) };
  }

  /**
   * Takes over a saved state; the moments are copied, the given tensors stay the caller's.
   * @throws Error when a moment lacks its partners, or was saved by an optimizer that stores moments in another way
   */
  load({ step, tensors }: AdamWState): void {
    this.dispose();
    this.#step = step;
    const [first] = this.#format.suffixes as [string];
    for (const key of tensors.keys()) {
      if (!key.endsWith(first)) continue;
      const name = key.slice(0, -first.length);
      const parts = this.#format.suffixes.map((suffix) => tensors.get(name + suffix) ?? name + suffix);
      const missing = parts.find((part) => typeof part === 'string');
      if (missing !== undefined) throw new Error(`AdamW.load: expected ${missing} beside ${key}, found none`);
      this.#moments.set(
        name,
        (parts as tf.Tensor[]).map((part) => this.#format.stored(part)),
      );
    }
    if (tensors.size !== this.#moments.size * this.#format.suffixes.length) {
      const [wanted, found] = [this.#format.suffixes.join(', '), [...tensors.keys()].join(', ')];
      throw new Error(`AdamW.load: expected ${wanted} of each variable, found ${found}`);
    }
  }

  /** Frees the moments. */
  dispose(): void {
    tf.dispose([...[...this.#moments.values()].flat(), ...(this.#tables ?? [])]);
    this.#moments.clear();
    this.#tables = null;
  }

  #momentsOf(variable: tf.Variable): tf.Variable[] {
    const existing = this.#moments.get(variable.name);
    if (existing !== undefined) return existing;
    const made = tf.tidy(() =>
      this.#format.zeros(variable.shape).map((values) => this.#format.stored(values)),
    );
    this.#moments.set(variable.name, made);
    return made;
  }

  /** All variables in one call of the native kernel. */
  #fusedUpdate(parameters: readonly Parameter[], norm: tf.Scalar, coefficients: Coefficients): void {
    this.#tables ??= this.#format.tables().map((table) => tf.keep(table));
    const inputs: Record<string, tf.Tensor> = { norm };
    this.#tables.forEach((table, i) => {
      inputs[`table${i}`] = table;
    });
    parameters.forEach(({ variable, gradient, moments }, i) => {
      for (const changed of [variable, ...moments]) ownStorage(changed);
      inputs[`variable${i}`] = variable;
      inputs[`gradient${i}`] = gradient;
      moments.forEach((moment, j) => {
        inputs[`moment${i}.${j}`] = moment;
      });
    });
    const counts = { tables: this.#tables.length, moments: this.#format.suffixes.length };
    const decays = parameters.map(({ decay }) => decay);
    runMany(this.#format.kernel, inputs, { ...coefficients, ...counts, decays });
  }
}

/** What one variable needs for its update. */
interface Parameter {
  variable: tf.Variable;
  gradient: tf.Tensor;
  moments: readonly tf.Variable[];
  decay: number;
}

/** The update out of ordinary tfjs ops; also the reference of the tests. */
function composedUpdate(parameters: readonly Parameter[], norm: tf.Scalar, c: Coefficients): void {
  tf.tidy(() => {
    const factor = c.clipNorm > 0 ? tf.minimum(tf.div(c.clipNorm, tf.add(norm, CLIP_EPS)), 1) : tf.scalar(1);
    for (const { variable, gradient, moments, decay } of parameters) {
      const [first, second] = moments as [tf.Variable, tf.Variable];
      const g = tf.mul(gradient, factor);
      first.assign(tf.add(tf.mul(first, c.beta1), tf.mul(g, 1 - c.beta1)));
      second.assign(tf.add(tf.mul(second, c.beta2), tf.mul(tf.square(g), 1 - c.beta2)));
      const root = tf.add(tf.mul(tf.sqrt(second), c.correction2), c.eps);
      const change = tf.mul(tf.div(tf.mul(first, c.correction1), root), c.lr);
      variable.assign(tf.sub(tf.mul(variable, 1 - c.lr * decay), change));
    }
  });
}
