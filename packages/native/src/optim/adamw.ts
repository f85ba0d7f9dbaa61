import * as tf from '../../lib/tfjs.mjs';
import { noGrad } from '../autodiff/no-grad.js';
import { describe } from '../ops/check.js';
import { hasKernel, runMany, runOne } from '../ops/dispatch.js';
import { globalNorm } from './global-norm.js';
import { ownStorage } from './in-place.js';

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
   * How moments are stored, default 'float32'. 'bf16' halves their memory: arithmetic stays float32 and results are rounded
   * at random by step and element, so that small changes count on average. Only the native backend stores bfloat16; on
   * others the option changes nothing.
   */
  state?: 'float32' | 'bf16';
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
  /** `<variable>.exp_avg` and `<variable>.exp_avg_sq`, shaped like the variable. */
  tensors: Map<string, tf.Tensor>;
}

interface Moments {
  first: tf.Variable;
  second: tf.Variable;
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

const FIRST = '.exp_avg';
const SECOND = '.exp_avg_sq';
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
  readonly #moments = new Map<string, Moments>();
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
      const { first, second } = this.#momentsOf(variable);
      return [{ variable, gradient, first, second, decay }];
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
      (hasKernel('AdamW') ? fusedUpdate : composedUpdate)(pairs, norm, coefficients);
      return norm;
    });
  }

  /** Step count and moments, for a checkpoint. */
  state(): AdamWState {
    const tensors = new Map<string, tf.Tensor>();
    for (const [name, { first, second }] of this.#moments) {
      tensors.set(name + FIRST, first);
      tensors.set(name + SECOND, second);
    }
    return { step: this.#step, tensors };
  }

  /**
   * Takes over a saved state; the moments are copied, the given tensors stay the caller's.
   * @throws Error when a moment lacks its partner
   */
  load(state: AdamWState): void {
    this.dispose();
    this.#step = state.step;
    for (const [key, first] of state.tensors) {
      if (!key.endsWith(FIRST)) continue;
      const name = key.slice(0, -FIRST.length);
      const second = state.tensors.get(name + SECOND);
      if (second === undefined)
        throw new Error(`AdamW.load: expected ${name + SECOND} beside ${key}, found none`);
      this.#moments.set(name, { first: this.#momentFrom(first), second: this.#momentFrom(second) });
    }
    const expected = [...this.#moments].length * 2;
    if (state.tensors.size !== expected) {
      throw new Error(
        `AdamW.load: expected pairs of ${FIRST} and ${SECOND}, found ${[...state.tensors.keys()]}`,
      );
    }
  }

  /** Frees the moments. */
  dispose(): void {
    for (const { first, second } of this.#moments.values()) tf.dispose([first, second]);
    this.#moments.clear();
  }

  #momentsOf(variable: tf.Variable): Moments {
    const existing = this.#moments.get(variable.name);
    if (existing !== undefined) return existing;
    const zero = () => tf.tidy(() => this.#momentFrom(tf.fill(variable.shape, 0)));
    const made = { first: zero(), second: zero() };
    this.#moments.set(variable.name, made);
    return made;
  }

  /** A moment with storage of its own in the type of this optimizer. */
  #momentFrom(values: tf.Tensor): tf.Variable {
    return noGrad(() =>
      tf.tidy(() => {
        const narrow = this.#config.state === 'bf16' && hasKernel('StoreAsBf16');
        const moment = tf.variable(narrow ? runOne('StoreAsBf16', { x: values }) : values, false);
        if (!narrow) ownStorage(moment);
        return moment;
      }),
    );
  }
}

/** What one variable needs for its update. */
interface Parameter extends Moments {
  variable: tf.Variable;
  gradient: tf.Tensor;
  decay: number;
}

type Update = (parameters: Parameter[], norm: tf.Scalar, coefficients: Coefficients) => void;

/** All variables in one call of the native kernel. */
const fusedUpdate: Update = (parameters, norm, coefficients) => {
  const inputs: Record<string, tf.Tensor> = { norm };
  parameters.forEach(({ variable, gradient, first, second }, i) => {
    for (const changed of [variable, first, second]) ownStorage(changed);
    inputs[`variable${i}`] = variable;
    inputs[`gradient${i}`] = gradient;
    inputs[`first${i}`] = first;
    inputs[`second${i}`] = second;
  });
  runMany('AdamW', inputs, { ...coefficients, decays: parameters.map(({ decay }) => decay) });
};

/** The update out of ordinary tfjs ops; also the reference of the tests. */
const composedUpdate: Update = (parameters, norm, c) => {
  tf.tidy(() => {
    const factor = c.clipNorm > 0 ? tf.minimum(tf.div(c.clipNorm, tf.add(norm, CLIP_EPS)), 1) : tf.scalar(1);
    for (const { variable, gradient, first, second, decay } of parameters) {
      const g = tf.mul(gradient, factor);
      first.assign(tf.add(tf.mul(first, c.beta1), tf.mul(g, 1 - c.beta1)));
      second.assign(tf.add(tf.mul(second, c.beta2), tf.mul(tf.square(g), 1 - c.beta2)));
      const root = tf.add(tf.mul(tf.sqrt(second), c.correction2), c.eps);
      const change = tf.mul(tf.div(tf.mul(first, c.correction1), root), c.lr);
      variable.assign(tf.sub(tf.mul(variable, 1 - c.lr * decay), change));
    }
  });
};
