import { TextDecoder } from 'node:util';
import { TokenizerError } from './tokenizer-error.js';

/** What decoding knows of one id: the bytes it stands for, and whether it is an added token. */
export interface TokenBytes {
  readonly bytes: Uint8Array;
  /** Added tokens (control tokens among them) are text of their own; bytes never combine across them. */
  readonly added: boolean;
  /** Control tokens; left out by `skipSpecial`. */
  readonly special: boolean;
}

export interface DecodeOptions {
  /** Leave control tokens out of the text. Default false. */
  skipSpecial?: boolean;
}

/**
 * Turns ids into text one at a time. Text comes out only at complete UTF-8 characters: the first bytes of an emoji
 * are held back until the last one is there. Bytes that can never become a character come out as U+FFFD.
 */
export class TokenDecoder {
  private utf8 = newUtf8Decoder();

  constructor(
    private readonly tokens: readonly (TokenBytes | undefined)[],
    private readonly options: DecodeOptions = {},
  ) {}

  /**
   * Text that is complete once `id` is added; often a word, sometimes nothing.
   *
   * Ids without a token (published embedding tables have more rows than tokens) stand for no text.
   *
   * @throws TokenizerError when `id` is not a non-negative integer
   */
  push(id: number): string {
    if (!Number.isSafeInteger(id) || id < 0) throw new TokenizerError(`expected a token id, found ${id}`);
    const token = this.tokens[id];
    if (token === undefined || (token.special && this.options.skipSpecial === true)) return '';
    if (!token.added) return this.utf8.decode(token.bytes, { stream: true });
    return this.end() + newUtf8Decoder().decode(token.bytes);
  }

  /** What is still held back; an unfinished character becomes U+FFFD. The decoder can be used again. */
  end(): string {
    const rest = this.utf8.decode();
    this.utf8 = newUtf8Decoder();
    return rest;
  }
}

function newUtf8Decoder(): TextDecoder {
  return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
}
