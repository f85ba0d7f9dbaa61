export type { DecodeOptions, TokenDecoder } from './token-decoder.js';
export {
  createTokenizer,
  type EncodeOptions,
  loadTokenizer,
  type SpecialIds,
  type Tokenizer,
} from './tokenizer.js';
export { TokenizerError } from './tokenizer-error.js';
