import { Tokenizer as BpePipeline } from '@huggingface/tokenizers';
import { ALPHABET } from './byte-alphabet.js';
import { CONTROL_TOKENS, qwen2TokenizerJson, specialToken, type TokenizerJson } from './qwen2-layout.js';

/** A distinct piece of the corpus, as ids of its current tokens. */
export interface Word {
  ids: number[];
  readonly count: number;
}

/**
 * Trains a byte-level BPE in the layout of Qwen2: 256 bytes, then merges in the order in which they are learnt, then the
 * control tokens of the model.
 *
 * Each step merges the most frequent pair of neighbouring tokens; among equals the one whose tokens are older (smaller
 * ids). The same text gives the same tokenizer. Pairs that occur once are not merged, so a small corpus can give fewer
 * tokens than asked for.
 *
 * @param size largest number of tokens, control tokens included
 * @throws RangeError when `size` has no room for the bytes and the control tokens
 */
export function trainBpe(corpus: string, size: number): TokenizerJson {
  const control = Object.values(CONTROL_TOKENS);
  const mergeCount = size - ALPHABET.length - control.length;
  if (!(mergeCount >= 0)) {
    throw new RangeError(`expected a size of at least ${ALPHABET.length + control.length}, found ${size}`);
  }
  const tokens = [...ALPHABET];
  const merges = learnMerges(countWords(corpus), tokens, mergeCount);
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const added = control.map((content, index) => specialToken(content, tokens.length + index));
  return qwen2TokenizerJson(vocab, merges, added);
}

/**
 * Merges the most frequent pair of neighbours, at most `count` times. `words` end up in the new tokens, which `tokens` grows
 * by; pairs that occur once are not merged.
 */
export function learnMerges(words: readonly Word[], tokens: string[], count: number): [string, string][] {
  const merges: [string, string][] = [];
  while (merges.length < count) {
    const pair = mostFrequentPair(words);
    if (pair === undefined) break;
    const [left, right] = pair.map((id) => tokens[id] as string) as [string, string];
    for (const word of words) word.ids = mergePair(word.ids, pair, tokens.length);
    tokens.push(left + right);
    merges.push([left, right]);
  }
  return merges;
}

/** The distinct pieces of the corpus, cut and written in the byte alphabet as the tokenizer does it. */
function countWords(corpus: string): Word[] {
  const bytesOnly = Object.fromEntries(ALPHABET.map((character, id) => [character, id]));
  const { normalizer, pre_tokenizer: preTokenizer } = new BpePipeline(
    qwen2TokenizerJson(bytesOnly, [], []),
    {},
  );
  const normalized = normalizer?.normalize(corpus) ?? corpus;
  const pieces: string[] = preTokenizer?.pre_tokenize(normalized) ?? [];
  const counts = new Map<string, number>();
  for (const piece of pieces) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const idOf = new Map(ALPHABET.map((character, id) => [character, id]));
  return [...counts].map(([piece, count]) => ({
    ids: [...piece].map((character) => idOf.get(character) as number),
    count,
  }));
}

/** The pair to merge next, or `undefined` when no pair occurs twice. */
function mostFrequentPair(words: readonly Word[]): [number, number] | undefined {
  const counts = new Map<number, number>();
  // Ids stay far below 2^20, so a pair fits into one exact number, and smaller numbers mean older tokens.
  const base = 2 ** 20;
  for (const { ids, count } of words) {
    for (let i = 1; i < ids.length; i++) {
      const key = (ids[i - 1] as number) * base + (ids[i] as number);
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  }
  let best = -1;
  let most = 1;
  for (const [key, count] of counts) {
    if (count > most || (count === most && count > 1 && key < best)) {
      best = key;
      most = count;
    }
  }
  return best < 0 ? undefined : [Math.floor(best / base), best % base];
}

function mergePair(ids: number[], [left, right]: readonly [number, number], merged: number): number[] {
  if (!ids.includes(left)) return ids;
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      out.push(merged);
      i++;
    } else {
      out.push(ids[i] as number);
    }
  }
  return out;
}
