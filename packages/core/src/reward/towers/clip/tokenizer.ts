import { join } from 'node:path';
import { Tokenizer as BpePipeline } from '@huggingface/tokenizers';
import Type from 'typebox';
import { checked, readJson, readText } from '../../../data/source.js';
import { textToAlphabet } from '../../../tokenizer/byte-alphabet.js';
import { TokenizerError } from '../../../tokenizer/index.js';

const TokenName = Type.Union([Type.String(), Type.Object({ content: Type.String() })]);

const TokenizerConfigFile = Type.Object({
  model_max_length: Type.Optional(Type.Integer({ minimum: 2 })),
  bos_token: Type.Optional(TokenName),
  eos_token: Type.Optional(TokenName),
});

const WORDS = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;

/** Byte-level BPE of CLIP (rewards specification §3.4): `vocab.json`, `merges.txt`, `tokenizer_config.json`. */
export class ClipTokenizer {
  private constructor(
    private readonly encodeWords: (words: string[]) => number[],
    /** Id of `<|startoftext|>`. */
    readonly startId: number,
    /** Id of `<|endoftext|>`, which also pads. */
    readonly endId: number,
    /** Longest text in tokens, both ends included. */
    readonly maxLength: number,
  ) {}

  /** @throws DataError or TokenizerError naming the file and what is wrong with it */
  static async load(folder: string, positions: number): Promise<ClipTokenizer> {
    const vocabFile = join(folder, 'vocab.json');
    const vocab = checked(Type.Record(Type.String(), Type.Integer()), await readJson(vocabFile));
    const config = checked(TokenizerConfigFile, await readJson(join(folder, 'tokenizer_config.json')));
    const idOf = (token: string): number => {
      const id = vocab[token];
      if (id === undefined) throw new TokenizerError(`${vocabFile}: expected the token "${token}"`);
      return id;
    };
    const name = (token: string | { content: string } | undefined, fallback: string) =>
      typeof token === 'object' ? token.content : (token ?? fallback);
    const merges = (await readText(join(folder, 'merges.txt'))).split('\n').filter(isMerge);
    const { model } = new BpePipeline(
      {
        version: '1.0',
        truncation: null,
        padding: null,
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: null,
        post_processor: null,
        decoder: null,
        model: { type: 'BPE', vocab, merges, end_of_word_suffix: '</w>', unk_token: null },
      } as unknown as ConstructorParameters<typeof BpePipeline>[0],
      {},
    );
    if (!model) throw new TokenizerError(`${vocabFile}: no tokenizer could be made of it`);
    return new ClipTokenizer(
      (words) => model.encode(words).map(idOf),
      idOf(name(config.bos_token, '<|startoftext|>')),
      idOf(name(config.eos_token, '<|endoftext|>')),
      Math.min(config.model_max_length ?? positions, positions),
    );
  }

  /** Ids of a text between start and end token; a text that is too long loses its end, not the end token. */
  encode(text: string, maxLength = this.maxLength): number[] {
    const ids = [this.startId, ...this.encodeWords(clipWords(text)), this.endId];
    return ids.length <= maxLength ? ids : [...ids.slice(0, maxLength - 1), this.endId];
  }
}

/** The pieces of a text that BPE works on, in the byte alphabet: NFC, white space collapsed, lower case. */
export function clipWords(text: string): string[] {
  const clean = Array.from(text.normalize('NFC').replace(/\s+/gu, ' '), (character) =>
    character.toLowerCase(),
  );
  return (clean.join('').match(WORDS) ?? []).map(textToAlphabet);
}

/** The first line of `merges.txt` is a comment with the version. */
function isMerge(line: string, index: number): boolean {
  return line.trim() !== '' && !(index === 0 && line.startsWith('#'));
}
