/** Training cannot start or go on. The message says what was expected, what was found, and what to do. */
export class TrainError extends Error {
  override readonly name = 'TrainError';
}
