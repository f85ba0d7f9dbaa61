/** One entry of `added_tokens` in a `tokenizer.json`. */
export interface AddedTokenEntry {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/** The parts of a `tokenizer.json` that a byte-level BPE uses. */
export interface TokenizerJson {
  version: string;
  truncation: null;
  padding: null;
  added_tokens: AddedTokenEntry[];
  normalizer: object | null;
  pre_tokenizer: object | null;
  post_processor: object | null;
  decoder: object | null;
  model: { type: string; vocab: Record<string, number>; merges: (string | [string, string])[] } & Record<
    string,
    unknown
  >;
}

/** How text is cut before merging; a constant of Qwen2 vocabularies (Oniguruma syntax, spec 4.1). */
export const QWEN2_SPLIT_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The control tokens that the model itself uses (spec 4.1), in the order of their ids. */
export const CONTROL_TOKENS = {
  pad: '<|endoftext|>',
  bos: '<|im_start|>',
  eos: '<|im_end|>',
  soi: '<|vision_start|>',
  eoi: '<|vision_end|>',
} as const;

/** A special token as Qwen2 files describe it: matched as written, before normalisation. */
export function specialToken(content: string, id: number): AddedTokenEntry {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

/** `tokenizer.json` in the layout of Qwen2 (NFC, regex split, byte level, BPE), from its three ingredients. */
export function qwen2TokenizerJson(
  vocab: Record<string, number>,
  merges: [string, string][],
  addedTokens: AddedTokenEntry[],
): TokenizerJson {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens,
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: QWEN2_SPLIT_PATTERN }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}

/** `tokenizer_config.json` in the layout of Qwen2. */
export function qwen2TokenizerConfig(addedTokens: AddedTokenEntry[], maxLength: number): object {
  return {
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(addedTokens.map(({ id, ...entry }) => [String(id), entry])),
    additional_special_tokens: addedTokens
      .map(({ content }) => content)
      .filter((t) => t !== CONTROL_TOKENS.pad),
    bos_token: null,
    clean_up_tokenization_spaces: false,
    eos_token: CONTROL_TOKENS.pad,
    errors: 'replace',
    model_max_length: maxLength,
    pad_token: CONTROL_TOKENS.pad,
    split_special_tokens: false,
    tokenizer_class: 'Qwen2Tokenizer',
    unk_token: null,
  };
}
