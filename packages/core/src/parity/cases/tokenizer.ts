import type { CaseRunner, Extra } from '../case.js';

interface TokenizerCases {
  readonly cases: readonly TokenizerRow[];
  readonly decode_only: readonly TokenizerRow[];
}

interface TokenizerRow {
  readonly text?: string;
  readonly ids: readonly number[];
  readonly decoded: string;
  readonly decoded_skip_special: string;
}

/** Text to ids and back. The reference honours control tokens in text, so they are kept here. */
export const tokenizerCase: CaseRunner = (golden, entry) => {
  const { tokenizer } = golden.models;
  const { cases, decode_only: decodeOnly } = golden.json<TokenizerCases>(entry.file);
  const extras: Extra[] = [];
  const exact = (name: string, own: ArrayLike<number>, stored: ArrayLike<number>) =>
    extras.push({ name, own, stored, tolerance: { max_difference: 0 } });
  for (const { text, ids, decoded, decoded_skip_special: skipped } of [...cases, ...decodeOnly]) {
    if (text !== undefined)
      exact(`ids of ${JSON.stringify(text)}`, tokenizer.encode(text, { controlTokens: 'keep' }), ids);
    exact(`text of [${ids}]`, codes(tokenizer.decode(ids)), codes(decoded));
    exact(
      `text without control tokens of [${ids}]`,
      codes(tokenizer.decode(ids, { skipSpecial: true })),
      codes(skipped),
    );
  }
  return { outputs: {}, extras };
};

const codes = (text: string) => Array.from(text, (character) => character.codePointAt(0) as number);
