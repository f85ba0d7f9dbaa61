import { createHash } from 'node:crypto';
import { Tokenizer as BpePipeline } from '@huggingface/tokenizers';
import { ALPHABET, tokenToBytes } from './byte-alphabet.js';
import { CONTROL_TOKENS, type TokenizerJson } from './qwen2-layout.js';
import { type DecodeOptions, type TokenBytes, TokenDecoder } from './token-decoder.js';
import { TokenizerError } from './tokenizer-error.js';
import { readTokenizerFiles } from './tokenizer-files.js';

export interface EncodeOptions {
  /**
   * What to do with text that spells an added token, such as `<|im_end|>`.
   * `neutralise` (default): it is ordinary text and becomes ordinary tokens, so no user can end a turn by writing it.
   * `keep`: it becomes the control token, as in the reference; for text of our own only.
   */
  controlTokens?: 'neutralise' | 'keep';
}

/** Ids of the control tokens (spec 4.1). */
export interface SpecialIds {
  /** `<|endoftext|>` */
  readonly pad: number;
  /** `<|im_start|>`, begins every text item */
  readonly bos: number;
  /** `<|im_end|>`, ends every text item */
  readonly eos: number;
  /** `<|vision_start|>`, start of image */
  readonly soi: number;
  /** `<|vision_end|>`, end of image */
  readonly eoi: number;
}

export interface Tokenizer {
  /** Ids of a text; nothing is added at its ends. */
  encode(text: string, options?: EncodeOptions): number[];
  /** Text of ids; bytes that are not UTF-8 become U+FFFD, no spaces are cleaned up. */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /** A decoder for ids that arrive one by one. Its output, joined, equals `decode` of all ids. */
  stream(options?: DecodeOptions): TokenDecoder;
  /** The bytes that an id stands for; part of a character in UTF-8 for some. Empty for ids without a token. */
  bytes(id: number): Uint8Array;
  /** One more than the largest id of a token; embedding tables need at least as many rows. */
  readonly size: number;
  readonly special: SpecialIds;
  /** SHA-256 of everything that ids depend on. */
  readonly fingerprint: string;
}

/**
 * Loads the tokenizer of a checkpoint folder (`tokenizer.json`, or `vocab.json` + `merges.txt` + `tokenizer_config.json`).
 *
 * @throws TokenizerError naming the file, when one is missing or malformed or a control token of the model is not
 *   one of its special tokens
 */
export function loadTokenizer(folder: string): Tokenizer {
  const { file, json } = readTokenizerFiles(folder);
  return new ByteLevelBpe(file, json);
}

/** A tokenizer from the content of a `tokenizer.json`; `file` is used in errors. */
export function createTokenizer(file: string, json: TokenizerJson): Tokenizer {
  return new ByteLevelBpe(file, json);
}

class ByteLevelBpe implements Tokenizer {
  readonly size: number;
  readonly special: SpecialIds;
  private readonly pipeline: BpePipeline;
  private readonly tokens: (TokenBytes | undefined)[];

  constructor(
    file: string,
    private readonly json: TokenizerJson,
  ) {
    const { vocab } = json.model;
    const missing = ALPHABET.filter((character) => !Object.hasOwn(vocab, character));
    if (missing.length > 0) {
      throw new TokenizerError(
        `${file}: expected all 256 bytes in the vocabulary, ${missing.length} are missing`,
      );
    }
    this.special = findSpecialIds(file, json);
    this.tokens = tabulate(file, json);
    this.size = this.tokens.length;
    this.pipeline = new BpePipeline(json, {});
  }

  get fingerprint(): string {
    return createHash('sha256').update(JSON.stringify(this.json)).digest('hex');
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    if (options.controlTokens === 'keep')
      return this.pipeline.encode(text, { add_special_tokens: false }).ids;
    return this.encodePlain(text);
  }

  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const decoder = this.stream(options);
    let text = '';
    for (const id of ids) text += decoder.push(id);
    return text + decoder.end();
  }

  stream(options: DecodeOptions = {}): TokenDecoder {
    return new TokenDecoder(this.tokens, options);
  }

  bytes(id: number): Uint8Array {
    return this.tokens[id]?.bytes ?? new Uint8Array();
  }

  /** The pipeline without its first step, which cuts added tokens out of the text. */
  private encodePlain(text: string): number[] {
    const { normalizer, pre_tokenizer: preTokenizer, model } = this.pipeline;
    if (model === null) throw new TokenizerError('the tokenizer has no model');
    const normalized = normalizer === null ? text : normalizer.normalize(text);
    if (normalized === '') return [];
    const pieces = preTokenizer === null ? [normalized] : preTokenizer.pre_tokenize(normalized);
    return model.encode(pieces).map((token: string) => {
      const id = model.tokens_to_ids.get(token);
      if (id === undefined || this.tokens[id]?.added === true) {
        throw new TokenizerError(`plain text gave the token "${token}", which is not a plain token`);
      }
      return id;
    });
  }
}

function findSpecialIds(file: string, json: TokenizerJson): SpecialIds {
  const id = (content: string): number => {
    const entry = json.added_tokens.find((token) => token.content === content);
    if (entry?.special !== true) {
      throw new TokenizerError(
        `${file}: expected ${content} among the special tokens; the model needs ${Object.values(CONTROL_TOKENS).join(' ')}`,
      );
    }
    return entry.id;
  };
  return {
    pad: id(CONTROL_TOKENS.pad),
    bos: id(CONTROL_TOKENS.bos),
    eos: id(CONTROL_TOKENS.eos),
    soi: id(CONTROL_TOKENS.soi),
    eoi: id(CONTROL_TOKENS.eoi),
  };
}

function tabulate(file: string, json: TokenizerJson): (TokenBytes | undefined)[] {
  const tokens: (TokenBytes | undefined)[] = [];
  const utf8 = new TextEncoder();
  const { vocab } = json.model;
  for (const [token, id] of Object.entries(vocab)) {
    const bytes = tokenToBytes(token) ?? utf8.encode(token);
    tokens[id] = { bytes, added: false, special: false };
  }
  for (const { id, content, special } of json.added_tokens) {
    if (tokens[id] !== undefined && vocab[content] !== id) {
      throw new TokenizerError(
        `${file}: the added token ${content} has the id ${id}, which is another token's`,
      );
    }
    tokens[id] = { bytes: utf8.encode(content), added: true, special };
  }
  return tokens;
}
