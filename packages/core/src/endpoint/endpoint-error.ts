/** A chat endpoint that cannot be used: a refused key, an unknown model, or no answer after several attempts. */
export class EndpointError extends Error {
  override readonly name: string = 'EndpointError';
}

/** The endpoint answered, but nothing that can be used, however often it was told what is wrong. */
export class InvalidAnswerError extends EndpointError {
  override readonly name = 'InvalidAnswerError';
}
