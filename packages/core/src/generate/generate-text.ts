import { type RandomKey, randomUniform, tf } from '@unicharacter/native';
import { feedTokens, inferLogits, type KvContext, type UnifiedModel } from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { nextTurn } from './turns.js';

/** How text is decoded (spec 5.6). */
export interface TextOptions {
  /** Most tokens to generate. The reference's limit also counts the start token: its N is N − 1 here. */
  readonly maxTokens: number;
  /** 0 (the default) takes the likeliest token; otherwise logits are divided by it. */
  readonly temperature?: number;
  /** Sample only from the likeliest tokens that together have this probability; 1 (the default) is all. */
  readonly topP?: number;
  readonly seed?: number;
  /** Called with what the text grew by; parts concatenate to the text. Never half a character. */
  readonly onToken?: (part: string, id: number) => void;
  readonly signal?: AbortSignal;
  /** Also sample rows of the vocabulary that the tokenizer has no entry for, as the reference does. Default false. */
  readonly unusedIds?: boolean;
}

/** A decoded text. */
export interface GeneratedText {
  readonly text: string;
  /** Ids of the text without markers. */
  readonly ids: number[];
  /** `stop`: the model ended the text. `length`: `maxTokens` was reached. */
  readonly finish: 'stop' | 'length';
}

/** Random stream of text sampling. */
const TEXT_STREAM = 0x7e97;

/**
 * Lets the model continue a context with one text item (spec 5.6): start marker, then token by token until the end marker
 * or the limit. What was fed stays in the context; the end marker does not.
 *
 * Yields to the event loop between tokens.
 *
 * @throws AbortedError when `signal` is aborted
 */
export async function generateText(
  model: UnifiedModel,
  context: KvContext,
  tokenizer: Tokenizer,
  options: TextOptions,
): Promise<GeneratedText> {
  const { bos, eos } = tokenizer.special;
  const choices = options.unusedIds
    ? model.config.llm.vocabSize
    : Math.min(tokenizer.size, model.config.llm.vocabSize);
  const ids: number[] = [];
  const decoder = tokenizer.stream({ skipSpecial: true });
  let text = '';
  const emit = (part: string, id: number) => {
    text += part;
    if (part !== '') options.onToken?.(part, id);
  };
  let finish: GeneratedText['finish'] = 'length';
  let current = bos;
  for (let step = 0; step < options.maxTokens; step++) {
    await nextTurn(options.signal);
    const key = { seed: options.seed ?? 0, stream: TEXT_STREAM, counter: step };
    current = chooseToken(nextLogits(model, context, current, choices), options, key);
    if (current === eos) {
      finish = 'stop';
      break;
    }
    ids.push(current);
    emit(decoder.push(current), current);
  }
  emit(decoder.end(), current);
  return { text, ids, finish };
}

/** Feeds one id and answers the logits of the first `choices` vocabulary rows. */
function nextLogits(model: UnifiedModel, context: KvContext, id: number, choices: number): Float32Array {
  return tf.tidy(() => {
    const logits = inferLogits(model, feedTokens(model, context, [id]));
    return (logits.dataSync() as Float32Array).subarray(0, choices);
  });
}

/** Greedy, or a draw from softmax(logits / temperature) restricted to the top-p nucleus; deterministic in the key. */
export function chooseToken(
  logits: Float32Array,
  { temperature = 0, topP = 1 }: Pick<TextOptions, 'temperature' | 'topP'>,
  key: RandomKey,
): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  if (temperature <= 0) return best;
  const top = logits[best] as number;
  const weights = Float64Array.from(logits, (value) => Math.exp((value - top) / temperature));
  const order = topP < 1 ? nucleus(weights, topP) : Array.from(weights.keys());
  const total = order.reduce((sum, i) => sum + (weights[i] as number), 0);
  const uniform = tf.tidy(() => randomUniform([1], key).dataSync()[0] as number);
  let left = uniform * total;
  for (const i of order) {
    left -= weights[i] as number;
    if (left < 0) return i;
  }
  return order.at(-1) as number;
}

/** The smallest set of likeliest entries that holds the share `topP` of all weight. */
function nucleus(weights: Float64Array, topP: number): number[] {
  const order = Array.from(weights.keys()).sort(
    (a, b) => (weights[b] as number) - (weights[a] as number) || a - b,
  );
  const limit = topP * weights.reduce((sum, w) => sum + w, 0);
  let held = 0;
  let count = 0;
  while (count < order.length && held < limit) held += weights[order[count++] as number] as number;
  return order.slice(0, Math.max(1, count));
}
