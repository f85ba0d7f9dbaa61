import * as tf from '../../lib/tfjs.mjs';
import { noGrad } from '../autodiff/no-grad.js';
import { describe } from '../ops/check.js';
import { hasKernel, runMany } from '../ops/dispatch.js';
import { ownStorage } from './in-place.js';

/**
 * Exponential moving average in place: `ema ← decay·ema + (1 − decay)·var` for each pair.
 *
 * @param ema variables with the shapes of `vars`, in the same order
 * @param decay in [0, 1]
 * @throws Error when the lists do not match
 */
export function emaUpdate(ema: readonly tf.Variable[], vars: readonly tf.Variable[], decay: number): void {
  if (ema.length !== vars.length) {
    throw new Error(
      `emaUpdate: expected as many averages as variables, found ${ema.length} and ${vars.length}`,
    );
  }
  ema.forEach((average, i) => {
    const variable = vars[i]!;
    if (tf.util.arraysEqual(average.shape, variable.shape)) return;
    const found = `${describe(average.name, average)} and ${describe(variable.name, variable)}`;
    throw new Error(`emaUpdate: expected equal shapes, found ${found}`);
  });
  noGrad(() => (hasKernel('EmaUpdate') ? fusedUpdate : composedUpdate)(ema, vars, decay));
}

type Update = (ema: readonly tf.Variable[], vars: readonly tf.Variable[], decay: number) => void;

/** All averages in one call of the native kernel. */
const fusedUpdate: Update = (ema, vars, decay) => {
  const inputs: Record<string, tf.Tensor> = {};
  ema.forEach((average, i) => {
    ownStorage(average);
    inputs[`average${i}`] = average;
    inputs[`value${i}`] = vars[i]!;
  });
  runMany('EmaUpdate', inputs, { decay, count: ema.length });
};

const composedUpdate: Update = (ema, vars, decay) => {
  ema.forEach((average, i) => {
    tf.tidy(() => average.assign(tf.add(tf.mul(average, decay), tf.mul(vars[i]!, 1 - decay))));
  });
};
