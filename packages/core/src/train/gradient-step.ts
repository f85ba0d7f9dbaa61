import { type AdamW, tf, valueAndGrads, withAutocast } from '@unicharacter/native';
import type { RunningMeans } from './running-means.js';
import type { Trained } from './training-stage.js';

/** A part of a step that is differentiated by itself; the gradients of all parts are summed. */
export interface Pass {
  /**
   * The share of this pass in the step's loss, and its share of each named part, [parts]: the losses of all passes add up
   * to the loss of the step. Runs inside the gradient driver.
   */
  losses(): { loss: tf.Scalar; parts: tf.Tensor1D };
  /** Frees what was prepared. */
  dispose(): void;
}

/** What an optimizer step works with. */
export interface Learner {
  readonly trained: Pick<Trained, 'variables'>;
  readonly optimizer: AdamW;
  readonly means?: RunningMeans | undefined;
  /** Global L2 norm that gradients are clipped to; 0 clips nothing. */
  readonly clipNorm: number;
  readonly precision: 'bf16' | 'float32';
}

/**
 * Forward and backward of every pass, then one update. Passes are opened one after the other, so that only one of them is
 * in memory. All numbers come back in one transfer.
 *
 * @param open makes the passes, at least one
 * @param names of the parts that every pass reports, `total` not among them
 * @returns `total`, the parts, and `gradNorm`
 */
export async function gradientStep(
  { trained, optimizer, means, clipNorm, precision }: Learner,
  lr: number,
  open: readonly (() => Pass)[],
  names: readonly string[],
): Promise<Record<string, number>> {
  const variables = [...trained.variables.values()];
  let sums: (tf.Tensor | null)[] = variables.map(() => null);
  let values: tf.Tensor1D | null = null;
  try {
    for (const make of open) {
      const pass = make();
      try {
        const { loss, grads, aux } = withAutocast(precision, () =>
          valueAndGrads(() => pass.losses(), variables, { accumulateInto: sums }),
        );
        sums = grads;
        const own = tf.tidy(() => tf.concat([tf.reshape(loss, [1]), aux.parts]) as tf.Tensor1D);
        tf.dispose([loss, aux.parts]);
        values = added(values, own);
      } finally {
        pass.dispose();
      }
    }
    const clip = clipNorm > 0 ? { clipNorm } : {};
    const gradNorm = optimizer.step(variables, sums, { lr, ...clip });
    means?.update();
    const packed = tf.tidy(() => tf.concat([values!, tf.reshape(gradNorm, [1])]));
    gradNorm.dispose();
    const numbers = await packed.data<'float32'>();
    packed.dispose();
    return Object.fromEntries(['total', ...names, 'gradNorm'].map((name, i) => [name, numbers[i]!]));
  } finally {
    tf.dispose([...sums, values].filter((tensor) => tensor !== null));
  }
}

/** The sum of two tensors that may be absent; both are consumed. */
function added<T extends tf.Tensor>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  const sum = tf.add(a, b) as T;
  tf.dispose([a, b]);
  return sum;
}
