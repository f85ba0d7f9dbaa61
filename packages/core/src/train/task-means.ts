import { tf } from '@unicharacter/native';
import type { EncodedTask } from './task-encoder.js';

/** The loss values that one sample contributes. */
export interface LossRows {
  task: string;
  /** Predicted tokens of each of its texts with loss. */
  ce: readonly number[];
  /** Latent tokens of its pictures to be drawn. */
  mse: number;
}

/** Counts the loss values of a sample (a text of n ids with loss predicts n + 1 tokens, spec 6.5). */
export function lossRows({ task, items }: EncodedTask): LossRows {
  const ce: number[] = [];
  let mse = 0;
  for (const item of items) {
    if (item.kind === 'text' && item.loss) ce.push(item.ids.length + 1);
    if (item.kind === 'vae' && item.loss) mse += item.rows * item.columns;
  }
  return { task, ce, mse };
}

type Kind = 'ce' | 'mse';

/** What one pass contributes to the means of its step, computed on the device. */
export interface PassMeans {
  /** The share of this pass in the mean over the step, a scalar with gradient; null where the pass has no such losses. */
  share(kind: Kind, losses: tf.Tensor1D | null): tf.Scalar | null;
  /** The share of this pass in each of `StepMeans.names`, [names]; carries no gradient to speak of. */
  parts(ce: tf.Tensor1D | null, mse: tf.Tensor1D | null): tf.Tensor1D;
  dispose(): void;
}

/**
 * Means of the losses of a step over all of its passes, in total and for each task. The shares of the passes add up to the
 * means, so that a step split into several passes has the loss of the whole.
 *
 * With `reweight`, a token of an answer of n predicted tokens counts 1/√n, and sums are divided by the sum of these weights
 * (spec 6.5, 6.6): long answers weigh less than their length.
 */
export class StepMeans {
  /** `ce`, `ce/<task>` …, `mse`, `mse/<task>` …: a kind that the step does not contain is left out. */
  readonly names: string[];
  readonly #rows: Record<Kind, { names: string[]; of: (pass: readonly LossRows[]) => Float32Array }>;

  constructor(passes: readonly (readonly LossRows[])[], reweight = false) {
    const all = passes.flat();
    this.#rows = { ce: averaging('ce', all, reweight), mse: averaging('mse', all, reweight) };
    this.names = [...this.#rows.ce.names, ...this.#rows.mse.names];
  }

  /** The means of one pass. @param rows its samples in order */
  pass(rows: readonly LossRows[]): PassMeans {
    const matrices = (['ce', 'mse'] as const).map((kind) => {
      const { names, of } = this.#rows[kind];
      const values = of(rows);
      const columns = names.length === 0 ? 0 : values.length / names.length;
      return {
        height: names.length,
        matrix: columns === 0 ? null : tf.tensor2d(values, [names.length, columns]),
      };
    });
    // Without a matrix product, which autocast would round to bfloat16.
    const weighted = (index: number, losses: tf.Tensor1D | null): tf.Tensor1D => {
      const { height, matrix } = matrices[index]!;
      if (!losses || !matrix) return tf.zeros([height]);
      return tf.tidy(() => tf.sum(tf.mul(matrix, losses), 1)) as tf.Tensor1D;
    };
    return {
      share: (kind, losses) => {
        const { matrix } = matrices[kind === 'ce' ? 0 : 1]!;
        if (!losses || !matrix) return null;
        return tf.tidy(
          () => tf.sum(tf.mul(tf.reshape(tf.slice(matrix, [0, 0], [1, -1]), [-1]), losses)) as tf.Scalar,
        );
      },
      parts: (ce, mse) => tf.tidy(() => tf.concat([weighted(0, ce), weighted(1, mse)]) as tf.Tensor1D),
      dispose: () => tf.dispose(matrices.flatMap(({ matrix }) => matrix ?? [])),
    };
  }
}

/** Rows of weights that average over the whole step and over each task. */
function averaging(kind: Kind, step: readonly LossRows[], reweight: boolean) {
  const weightsOf = (row: LossRows): number[] =>
    kind === 'mse'
      ? new Array<number>(row.mse).fill(1)
      : row.ce.flatMap((length) => new Array<number>(length).fill(reweight ? 1 / Math.sqrt(length) : 1));
  const sum = (rows: readonly LossRows[]) =>
    rows.flatMap(weightsOf).reduce((total, weight) => total + weight, 0);
  const tasks = [...new Set(step.filter((row) => weightsOf(row).length > 0).map((row) => row.task))].sort();
  if (tasks.length === 0) return { names: [], of: () => new Float32Array(0) };

  const total = sum(step);
  const totals = new Map(tasks.map((task) => [task, sum(step.filter((row) => row.task === task))]));
  return {
    names: [kind, ...tasks.map((task) => `${kind}/${task}`)],
    of: (pass: readonly LossRows[]): Float32Array => {
      const columns = pass.flatMap((row) => weightsOf(row).map((weight) => ({ task: row.task, weight })));
      const rows = [
        columns.map(({ weight }) => weight / total),
        ...tasks.map((task) => columns.map((c) => (c.task === task ? c.weight / totals.get(task)! : 0))),
      ];
      return Float32Array.from(rows.flat());
    },
  };
}
