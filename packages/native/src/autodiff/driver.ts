/** The project's own gradient driver: loss, gradients of variables, and whatever else the function returns. */
import * as tf from '../../lib/tfjs.mjs';
import { backward } from './backward.js';
import { disposeSaved, record, withIsolatedTape } from './tape.js';

let trained: readonly tf.Variable[] = [];

/** The variables of the innermost running `valueAndGrads`; empty outside. `checkpoint` lets gradients reach them. */
export function trainedVariables(): readonly tf.Variable[] {
  return trained;
}

export interface GradientOptions {
  /**
   * Gradients of earlier calls to add to, `grads` of those calls: one tensor or null per variable. They are consumed, also
   * when the call throws; go on with the `grads` it returns. On the native backend they are changed in place, so that
   * micro-batches need one set of gradients, not two.
   */
  accumulateInto?: readonly (tf.Tensor | null)[];
}

/**
 * Runs `f` and differentiates its `loss` (scalar, float32) with respect to `variables`.
 *
 * @returns `grads[i]` has the shape of `variables[i]`, or is null where the loss does not depend on it; `aux` is what `f`
 *   returned besides the loss. The caller owns loss, gradients and aux tensors. Everything else `f` made is disposed.
 * @throws Error when the loss is not a float32 scalar, an op on the path has no gradient, or the gradients to add to do not
 *   fit the variables. Nothing leaks when `f` throws.
 *
 * Memory: see `backward`. The call has a tape of its own, so it is not differentiable from outside (no second order).
 */
export function valueAndGrads<A>(
  f: () => { loss: tf.Scalar } & A,
  variables: tf.Variable[],
  { accumulateInto = [] }: GradientOptions = {},
): { loss: tf.Scalar; grads: (tf.Tensor | null)[]; aux: A } {
  checkSums(accumulateInto, variables);
  return withIsolatedTape(() => {
    const before = trained;
    trained = variables;
    let grads: (tf.Tensor | null)[] = [];
    let result: ({ loss: tf.Scalar } & A) | undefined;
    try {
      tf.tidy(() => {
        const recorded = record(() => f() as unknown as { loss: tf.Scalar });
        const { tape } = recorded;
        result = recorded.result as { loss: tf.Scalar } & A;
        const { loss } = recorded.result;
        if (!(loss instanceof tf.Tensor) || loss.size !== 1 || loss.dtype !== 'float32') {
          disposeSaved(tape);
          const found = loss instanceof tf.Tensor ? `${loss.dtype} [${loss.shape}]` : typeof loss;
          throw new Error(`valueAndGrads: expected f to return {loss: float32 scalar}, found ${found}`);
        }
        grads = backward(tape, variables, loss, tf.fill(loss.shape, 1), accumulateInto);
        return [recorded.result, grads.filter((g) => g !== null)] as tf.TensorContainer;
      });
    } catch (error) {
      tf.dispose(accumulateInto.filter((sum) => sum !== null));
      throw error;
    } finally {
      trained = before;
    }
    const { loss, ...aux } = result!;
    return { loss, grads, aux: aux as unknown as A };
  });
}

function checkSums(sums: readonly (tf.Tensor | null)[], variables: readonly tf.Variable[]): void {
  if (sums.length === 0) return;
  if (sums.length !== variables.length) {
    throw new Error(
      `valueAndGrads: expected one gradient (or null) per variable to accumulate into, ` +
        `found ${sums.length} for ${variables.length} variables`,
    );
  }
  sums.forEach((sum, i) => {
    const variable = variables[i]!;
    if (sum === null || (sum.dtype === 'float32' && tf.util.arraysEqual(sum.shape, variable.shape))) return;
    throw new Error(
      `valueAndGrads: expected float32 [${variable.shape}] to accumulate the gradient of ${variable.name} into, ` +
        `found ${sum.dtype} [${sum.shape}]`,
    );
  });
}

/**
 * Gradients of a function of tensors, seeded with `dy` (shape of the result of `f`): the vector-Jacobian product.
 * Null where the result does not depend on an input. Variables that `f` captures can be passed among `inputs` too.
 */
export function vectorJacobian(
  f: () => tf.Tensor,
  inputs: readonly tf.Tensor[],
  dy: tf.Tensor,
): (tf.Tensor | null)[] {
  return withIsolatedTape(() => {
    let grads: (tf.Tensor | null)[] = [];
    tf.tidy(() => {
      const { result, tape } = record(f);
      grads = backward(tape, inputs, result, dy);
      return grads.filter((g) => g !== null);
    });
    return grads;
  });
}
