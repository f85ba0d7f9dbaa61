/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** `file:line:column`, or what else the value came from. */
  readonly place: string;
  /** Dotted path of the option, such as `sft.optimizer.lr`; empty for the file as a whole. */
  readonly key: string;
  /** What was expected, what was found, and what may have been meant. */
  readonly problem: string;
}

/** A training configuration that cannot be used. The message lists every problem, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(
      problems
        .map(({ place, key, problem }) => [place, key, problem].filter((part) => part !== '').join(': '))
        .join('\n'),
    );
    this.problems = problems;
  }
}
