/** A tokenizer file that is missing or malformed, or an id that cannot be a token. The message names the file. */
export class TokenizerError extends Error {
  override readonly name = 'TokenizerError';
}
