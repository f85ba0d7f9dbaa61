import { join } from 'node:path';
import { Tokenizer as WordPiecePipeline } from '@huggingface/tokenizers';
import { readText } from '../../../data/source.js';
import { TokenizerError } from '../../../tokenizer/index.js';

const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/** Replacements after joining pieces, in this order: what tokenisation tore apart (rewards specification §5.4). */
const CLEAN_UP: readonly (readonly [from: string, to: string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/** WordPiece tokenizer of lower-case BERT from `vocab.txt`. */
export class WordPieces {
  private constructor(
    private readonly pieces: readonly string[],
    private readonly pipeline: WordPiecePipeline,
    private readonly ids: Readonly<Record<(typeof SPECIAL)[number], number>>,
  ) {}

  /** @throws DataError when the file cannot be read, TokenizerError when it lacks a special token */
  static async load(folder: string): Promise<WordPieces> {
    const file = join(folder, 'vocab.txt');
    const pieces = (await readText(file)).replace(/\r?\n$/, '').split(/\r?\n/);
    const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
    const missing = SPECIAL.filter((token) => vocab[token] === undefined);
    if (missing.length > 0) throw new TokenizerError(`${file}: expected the tokens ${missing.join(', ')}`);
    const addedTokens = SPECIAL.map((content) => ({
      id: vocab[content]!,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    }));
    const json = {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens,
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: null,
      decoder: null,
      model: {
        type: 'WordPiece',
        vocab,
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
      },
    };
    const pipeline = new WordPiecePipeline(
      json as unknown as ConstructorParameters<typeof WordPiecePipeline>[0],
      {},
    );
    const ids = Object.fromEntries(SPECIAL.map((token) => [token, vocab[token]!]));
    return new WordPieces(pieces, pipeline, ids as Record<(typeof SPECIAL)[number], number>);
  }

  /** Ids of a text between [CLS] and [SEP]. */
  encode(text: string): number[] {
    const { ids } = this.pipeline.encode(text, { add_special_tokens: false });
    return [this.ids['[CLS]'], ...ids, this.ids['[SEP]']];
  }

  /** Text of ids without special tokens and without ids that the vocabulary lacks. */
  decode(ids: readonly number[]): string {
    const special = new Set(Object.values(this.ids));
    const pieces = ids.flatMap((id) => (special.has(id) || !(id in this.pieces) ? [] : [this.pieces[id]!]));
    const joined = pieces.reduce(
      (text, piece, i) =>
        piece.startsWith('##') ? text + piece.slice(2) : `${text}${i === 0 ? '' : ' '}${piece}`,
      '',
    );
    return CLEAN_UP.reduce((text, [from, to]) => text.replaceAll(from, to), joined);
  }
}
