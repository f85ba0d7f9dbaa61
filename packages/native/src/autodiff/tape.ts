/**
 * The part of tfjs-core's engine state that our backward driver works on.
 *
 * tfjs-core records one `TapeNode` per taped kernel in `engine().state.activeTape`. The state object is public but the
 * functions that open and close a tape are not, so the few lines needed are repeated here on the public fields.
 */
import * as tf from '../../lib/tfjs.mjs';

/** One recorded operation. `saved` holds kept clones of tensors; whoever consumes the node must dispose them. */
export interface TapeNode {
  id: number;
  kernelName: string;
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  /** Upstream gradients in, one thunk per input out. A thunk of our own nodes may answer null: no gradient. */
  gradient?: (dys: tf.Tensor[]) => Record<string, () => tf.Tensor | null>;
  saved?: tf.Tensor[] | null;
}

interface TapeState {
  activeTape: TapeNode[] | null | undefined;
  gradientDepth: number;
  kernelDepth: number;
  nextTapeNodeId: number;
}

/** The engine's tape fields, typed as what they hold at run time. */
export function tapeState(): TapeState {
  return tf.engine().state as unknown as TapeState;
}

/** True when operations called now are recorded. */
export function isTapeOn(): boolean {
  const state = tapeState();
  return state.gradientDepth > 0 && state.kernelDepth === 0;
}

/** Frees what the nodes saved for their backward. Safe to call again on the same nodes. */
export function disposeSaved(tape: readonly TapeNode[]): void {
  for (const node of tape) {
    for (const tensor of node.saved ?? []) tensor.dispose();
    node.saved = null;
  }
}

/**
 * Runs `f` with its own, initially closed tape and puts the surrounding tape back afterwards, also when `f` throws.
 * Gradient computations nested in a forward or backward pass need it because tfjs-core drops the active tape when a
 * gradient computation ends.
 */
export function withIsolatedTape<T>(f: () => T): T {
  const state = tapeState();
  const { activeTape, gradientDepth, kernelDepth } = state;
  state.activeTape = undefined;
  state.gradientDepth = 0;
  state.kernelDepth = 0;
  try {
    return f();
  } finally {
    state.activeTape = activeTape;
    state.gradientDepth = gradientDepth;
    state.kernelDepth = kernelDepth;
  }
}

/** Runs `f` inside one tidy while recording. When `f` throws, what was saved so far is freed before the error goes on. */
export function record<T extends tf.TensorContainer>(f: () => T): { result: T; tape: TapeNode[] } {
  const state = tapeState();
  const tape: TapeNode[] = [];
  state.activeTape = tape;
  state.gradientDepth++;
  try {
    return { result: tf.tidy(f), tape };
  } catch (error) {
    disposeSaved(tape);
    throw error;
  } finally {
    state.gradientDepth--;
    state.activeTape = undefined;
  }
}
