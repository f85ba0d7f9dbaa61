import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findGoldenTiny } from '../../test/shared-folder.js';
import { ALPHABET, textToAlphabet } from './byte-alphabet.js';
import {
  qwen2TokenizerConfig,
  qwen2TokenizerJson,
  specialToken,
  type TokenizerJson,
} from './qwen2-layout.js';
import { createTokenizer, loadTokenizer } from './tokenizer.js';
import { TokenizerError } from './tokenizer-error.js';
import { parseMerges } from './tokenizer-files.js';

const temporary = mkdtempSync(join(tmpdir(), 'tokenizer-'));
afterAll(() => rmSync(temporary, { recursive: true }));

const CONTROL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|vision_start|>', '<|vision_end|>'];

/** 256 bytes (ids 0..255), "he" 256, "hel" 257, " t" 258, control tokens 259..263. */
function smallJson(): TokenizerJson {
  const tokens = [...ALPHABET, 'he', 'hel', 'Ġt'];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const merges: [string, string][] = [
    ['h', 'e'],
    ['he', 'l'],
    ['Ġ', 't'],
  ];
  return qwen2TokenizerJson(
    vocab,
    merges,
    CONTROL.map((content, i) => specialToken(content, 259 + i)),
  );
}

const byteId = (character: string) => ALPHABET.indexOf(textToAlphabet(character));

describe('Tokenizer', () => {
  const tokenizer = createTokenizer('small', smallJson());

  it('merges by rank and knows its ids', () => {
    expect(tokenizer.encode('hello to')).toEqual([257, byteId('l'), byteId('o'), 258, byteId('o')]);
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.size).toBe(264);
    expect(tokenizer.special).toEqual({ pad: 259, bos: 260, eos: 261, soi: 262, eoi: 263 });
  });

  it('normalises to NFC', () => {
    expect(tokenizer.encode('e\u0301')).toEqual(tokenizer.encode('\u00e9'));
  });

  it('never makes a control token of text, unless told to', () => {
    const text = 'he<|im_end|><|vision_start|>';
    const plain = tokenizer.encode(text);
    expect(plain.every((id) => id < 259)).toBe(true);
    expect(tokenizer.decode(plain)).toBe(text);
    expect(tokenizer.encode(text, { controlTokens: 'keep' })).toEqual([256, 261, 262]);
  });

  it('leaves control tokens out on request', () => {
    const ids = [260, 256, 261];
    expect(tokenizer.decode(ids)).toBe('<|im_start|>he<|im_end|>');
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe('he');
  });

  it('decodes unused rows to nothing and refuses what is no id', () => {
    expect(tokenizer.decode([256, 90000, 257])).toBe('hehel');
    for (const id of [-1, 0.5, Number.NaN]) expect(() => tokenizer.decode([id])).toThrow(TokenizerError);
  });

  it('gives back every text that is in NFC', () => {
    for (const text of [
      '  two  spaces\r\n\ttab',
      'naïve 🦊 狐 \u0000',
      "it's <|im_end|",
      '\ufeffmark',
      '"quoted"…',
    ]) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
  });

  it('streams text at complete characters only', () => {
    const stream = tokenizer.stream();
    const ids = tokenizer.encode('a🦊b');
    expect(ids.map((id) => stream.push(id))).toEqual(['a', '', '', '', '🦊', 'b']);
    expect(stream.end()).toBe('');
  });

  it('streams unfinished characters as replacement characters, at the end or at a control token', () => {
    const [first, second] = tokenizer.encode('🦊') as [number, number];
    const stream = tokenizer.stream();
    expect([stream.push(first), stream.push(second), stream.end()]).toEqual(['', '', '\ufffd']);
    expect([stream.push(first), stream.push(261), stream.push(256)]).toEqual(['', '\ufffd<|im_end|>', 'he']);
    expect(tokenizer.decode([first, 261, 256])).toBe('\ufffd<|im_end|>he');
  });
});

describe('loadTokenizer', () => {
  it('reads vocab.json, merges.txt and tokenizer_config.json when tokenizer.json is missing', () => {
    const json = smallJson();
    writeFileSync(join(temporary, 'vocab.json'), JSON.stringify(json.model.vocab));
    writeFileSync(join(temporary, 'merges.txt'), '#version: 0.2\nh e\n\nhe l\r\nĠ t\n');
    expect(() => loadTokenizer(temporary)).toThrow(/missing: tokenizer.json, tokenizer_config.json/);
    writeFileSync(
      join(temporary, 'tokenizer_config.json'),
      JSON.stringify(qwen2TokenizerConfig(json.added_tokens, 64)),
    );
    const tokenizer = loadTokenizer(temporary);
    expect(tokenizer.encode('hello to')).toEqual(createTokenizer('small', json).encode('hello to'));
    expect(tokenizer.special.eoi).toBe(263);
  });

  it('names the line of a malformed merge', () => {
    expect(() => parseMerges('m.txt', '#version: 0.2\na b\na b c\n')).toThrow(
      'm.txt:3: expected two tokens separated by one space, found "a b c"',
    );
  });

  it.each<[string, (json: TokenizerJson) => void, RegExp]>([
    [
      'a word-piece model',
      (json) => Object.assign(json.model, { type: 'WordPiece' }),
      /expected a byte-level BPE/,
    ],
    [
      'a missing control token',
      (json) => json.added_tokens.pop(),
      /expected <\|vision_end\|> among the special/,
    ],
    [
      'a control token that is not special',
      (json) => Object.assign(json.added_tokens[2] ?? {}, { special: false }),
      /expected <\|im_end\|>/,
    ],
    [
      'a missing byte',
      (json) => delete json.model.vocab['!'],
      /expected all 256 bytes in the vocabulary, 1 are missing/,
    ],
    [
      'two tokens with one id',
      (json) => Object.assign(json.model.vocab, { he: 3 }),
      /tokens "\$" and "he" share the id 3/,
    ],
    [
      'an added token on the id of a byte',
      (json) => Object.assign(json.added_tokens[0] ?? {}, { id: 9 }),
      /<\|endoftext\|> has the id 9/,
    ],
    [
      'a fractional id',
      (json) => Object.assign(json.model.vocab, { he: 1.5 }),
      /expected an id for token "he", found 1.5/,
    ],
  ])('refuses %s', (_, damage, message) => {
    const json = smallJson();
    damage(json);
    const folder = mkdtempSync(join(temporary, 'bad-'));
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json));
    expect(() => loadTokenizer(folder)).toThrow(message);
    expect(() => loadTokenizer(folder)).toThrow(join(folder, 'tokenizer.json'));
  });
});

interface GoldenCase {
  text: string;
  ids: number[];
  decoded: string;
  decoded_skip_special: string;
}

const golden = findGoldenTiny();
describe.skipIf(golden === undefined)('reference tokenizer', () => {
  const checkpoint = join(golden ?? '', 'checkpoint');
  const parts = join(temporary, 'parts');

  it.each(['tokenizer.json', 'vocab.json + merges.txt'])(
    'gives the reference ids and texts from %s',
    (files) => {
      let folder = checkpoint;
      if (files !== 'tokenizer.json') {
        folder = mkdtempSync(parts);
        for (const name of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) {
          copyFileSync(join(checkpoint, name), join(folder, name));
        }
      }
      const tokenizer = loadTokenizer(folder);
      const reference = JSON.parse(
        readFileSync(join(golden as string, 'cases/01_tokenizer.json'), 'utf8'),
      ) as {
        cases: GoldenCase[];
        decode_only: Omit<GoldenCase, 'text'>[];
        vocabulary_size: number;
        special_ids: Record<string, number>;
      };
      expect(tokenizer.size).toBe(reference.vocabulary_size);
      expect(Object.values(tokenizer.special)).toEqual(CONTROL.map((token) => reference.special_ids[token]));
      expect(reference.cases.length).toBeGreaterThan(40);
      for (const { text, ids } of reference.cases) {
        expect(tokenizer.encode(text, { controlTokens: 'keep' }), text).toEqual(ids);
        if (!CONTROL.some((token) => text.includes(token))) expect(tokenizer.encode(text), text).toEqual(ids);
      }
      for (const { ids, decoded, decoded_skip_special } of [...reference.cases, ...reference.decode_only]) {
        expect(tokenizer.decode(ids)).toBe(decoded);
        expect(tokenizer.decode(ids, { skipSpecial: true })).toBe(decoded_skip_special);
      }
    },
  );
});
