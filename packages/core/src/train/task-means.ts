import { tf } from '@unicharacter/native';
import type { EncodedTask } from './task-encoder.js';

/** How many loss values one sample contributes: predicted tokens and latent tokens. */
export interface LossRows {
  task: string;
  ce: number;
  mse: number;
}

/** Counts the loss values of a sample (a text of n ids with loss predicts n + 1 tokens, spec 6.5). */
export function lossRows({ task, items }: EncodedTask): LossRows {
  let ce = 0;
  let mse = 0;
  for (const item of items) {
    if (item.kind === 'text' && item.loss) ce += item.ids.length + 1;
    if (item.kind === 'vae' && item.loss) mse += item.rows * item.columns;
  }
  return { task, ce, mse };
}

/** Means of the losses of a pack: over all of it and for each task, computed on the device. */
export interface TaskMeans {
  /** `ce`, `ce/<task>` …, `mse`, `mse/<task>` …: a kind that the pack does not contain is left out. */
  names: string[];
  /** The means, [names]; carries no gradient. */
  of(ce: tf.Tensor1D | null, mse: tf.Tensor1D | null): tf.Tensor1D;
  dispose(): void;
}

/**
 * Prepares the means of one pack.
 * @param rows the samples of the pack in order
 */
export function taskMeans(rows: readonly LossRows[]): TaskMeans {
  const ce = averaging('ce', rows);
  const mse = averaging('mse', rows);
  return {
    names: [...ce.names, ...mse.names],
    of: (ceLosses, mseLosses) => {
      const parts = [ce.apply(ceLosses), mse.apply(mseLosses)].filter((part) => part !== null);
      return tf.concat(parts) as tf.Tensor1D;
    },
    dispose: () => tf.dispose([ce.weights, mse.weights].filter((weights) => weights !== null)),
  };
}

/**
 * A matrix [names, losses] whose rows average over the whole pack and over each task. Applied without a matrix product, which
 * autocast would round to bfloat16.
 */
function averaging(kind: 'ce' | 'mse', rows: readonly LossRows[]) {
  const total = rows.reduce((sum, row) => sum + row[kind], 0);
  const tasks = [...new Set(rows.filter((row) => row[kind] > 0).map((row) => row.task))].sort();
  if (total === 0) return { names: [], weights: null, apply: () => null };

  const matrix = new Float32Array((1 + tasks.length) * total).fill(1 / total, 0, total);
  tasks.forEach((task, index) => {
    const own = rows.reduce((sum, row) => sum + (row.task === task ? row[kind] : 0), 0);
    let at = (1 + index) * total;
    for (const row of rows) {
      if (row.task === task) matrix.fill(1 / own, at, at + row[kind]);
      at += row[kind];
    }
  });
  const weights = tf.tensor2d(matrix, [1 + tasks.length, total]);
  return {
    names: [kind, ...tasks.map((task) => `${kind}/${task}`)],
    weights,
    apply: (losses: tf.Tensor1D | null): tf.Tensor1D | null =>
      losses && (tf.tidy(() => tf.sum(tf.mul(weights, losses), 1)) as tf.Tensor1D),
  };
}
