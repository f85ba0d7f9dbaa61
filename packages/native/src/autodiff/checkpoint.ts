/**
 * Activation checkpointing: keep a block's inputs, throw its activations away, run it again in the backward pass.
 * Cost: one more forward of the block. Memory: the block's inputs instead of everything its ops save.
 */
import * as tf from '../../lib/tfjs.mjs';
import { currentPrecision, withAutocast } from '../precision.js';
import { trainedVariables, vectorJacobian } from './driver.js';
import { gradientNeeded } from './needed.js';
import { noGrad } from './no-grad.js';
import { isTapeOn, type TapeNode, tapeState } from './tape.js';

/**
 * `f(...inputs)`, without keeping what `f` saves for its gradient.
 *
 * `f` must be a pure function that returns one tensor; it runs twice when gradients are taken, so random numbers in it must
 * be keyed (see `randomNormal`). Gradients flow to `inputs` and, inside `valueAndGrads`, also to the trained variables that
 * `f` captures. Under tfjs-core's own `tf.grads` a captured variable gets no gradient: pass it among `inputs` there.
 * Checkpoints may be nested. With no tape running this is a plain call.
 */
export function checkpoint<T extends tf.Tensor>(f: (...x: tf.Tensor[]) => T, inputs: tf.Tensor[]): T {
  if (!isTapeOn()) return f(...inputs);
  const { output, saved } = noGrad(() => {
    const result = tf.tidy(() => f(...inputs));
    return {
      // A block that hands an input through must still be a node of its own.
      output: inputs.includes(result) ? (tf.clone(result) as T) : result,
      saved: inputs.map((x) => tf.keep(tf.clone(x))),
    };
  });
  const named = new Map<string, tf.Tensor>(inputs.map((x, i) => [`${i}`, x]));
  const captured = trainedVariables().filter((v) => !inputs.includes(v));
  captured.forEach((v, i) => {
    named.set(`captured${i}`, v);
  });
  // The backward pass may run outside the caller's precision scope.
  const precision = currentPrecision();
  const again = () => withAutocast(precision, () => f(...saved));
  const node: TapeNode = {
    id: tapeState().nextTapeNodeId++,
    kernelName: 'Checkpoint',
    inputs: Object.fromEntries(named),
    outputs: [output],
    saved,
    gradient: ([dy]) => {
      const wanted = saved.filter((_, i) => gradientNeeded(`${i}`));
      const grads = vectorJacobian(again, [...wanted, ...captured], dy!);
      const thunks: Record<string, () => tf.Tensor | null> = {};
      wanted.forEach((x, i) => {
        // tfjs-core's driver insists on a tensor for every input, so "no path" becomes zeros there.
        thunks[`${saved.indexOf(x)}`] = () => grads[i] ?? tf.zerosLike(x);
      });
      captured.forEach((_, i) => {
        thunks[`captured${i}`] = () => grads[wanted.length + i] ?? null;
      });
      return thunks;
    },
  };
  tapeState().activeTape?.push(node);
  return output;
}
