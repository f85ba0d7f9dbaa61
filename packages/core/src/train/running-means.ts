import { emaUpdate, tf } from '@unicharacter/native';

/** Exponential running means of trained variables (EMA), under the names of the variables. */
export class RunningMeans {
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly #trained: readonly tf.Variable[];

  /** Starts at the present values. @param decay in (0, 1) */
  constructor(
    trained: ReadonlyMap<string, tf.Variable>,
    private readonly decay: number,
  ) {
    this.#trained = [...trained.values()];
    this.variables = new Map([...trained].map(([name, variable]) => [name, tf.variable(variable, false)]));
  }

  /** mean ← decay · mean + (1 − decay) · value */
  update(): void {
    emaUpdate([...this.variables.values()], this.#trained, this.decay);
  }

  dispose(): void {
    tf.dispose([...this.variables.values()]);
  }
}
