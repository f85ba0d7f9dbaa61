/** What a `DataError` says: where, what was expected, what was found, what to do. */
export interface DataProblem {
  file: string;
  /** JSON pointer inside the file. */
  path?: string;
  /** 1-based. */
  line?: number;
  /** 1-based. */
  column?: number;
  expected: string;
  found: string;
  advice: string;
}

/** A data folder that cannot be read as what it claims to be. The message alone is enough to repair the file. */
export class DataError extends Error {
  override readonly name = 'DataError';
  readonly problem: DataProblem;

  constructor(problem: DataProblem) {
    super(format(problem));
    this.problem = problem;
  }
}

function format(problem: DataProblem): string {
  const line = problem.line === undefined ? '' : `:${problem.line}`;
  const column = problem.line === undefined || problem.column === undefined ? '' : `:${problem.column}`;
  const path = problem.path ? ` at ${problem.path}` : '';
  return (
    `${problem.file}${line}${column}${path}: expected ${problem.expected}, found ${problem.found}. ` +
    `What to do: ${problem.advice}.`
  );
}
