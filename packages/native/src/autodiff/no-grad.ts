import { tapeState } from './tape.js';

/**
 * Runs `f` without recording: its results are constants for any surrounding gradient computation.
 * Works as "stop gradient" on a value (`noGrad(() => tf.clone(x))`) and for frozen models. tfjs-core has no public switch
 * for this; it does the same internally while a kernel runs.
 */
export function noGrad<T>(f: () => T): T {
  const state = tapeState();
  state.kernelDepth++;
  try {
    return f();
  } finally {
    state.kernelDepth--;
  }
}
