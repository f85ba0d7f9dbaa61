/** What went wrong with a safetensors file: which file, which tensor, what was expected and what was found. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
  /** Path of the file, as the caller gave it. */
  readonly file: string;
  /** Name of the tensor the problem belongs to, when it belongs to one. */
  readonly tensor: string | undefined;

  constructor(file: string, problem: string, options: { tensor?: string; cause?: unknown } = {}) {
    const place = options.tensor === undefined ? file : `${file}: tensor "${options.tensor}"`;
    super(`${place}: ${problem}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.file = file;
    this.tensor = options.tensor;
  }
}
