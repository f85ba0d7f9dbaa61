import type { ChosenToken, TokenDraw } from '@unicharacter/native';
import { feedTokens, type KvContext, type UnifiedModel } from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import type { SamplingOptions } from './sample-token.js';

/** How text is decoded (spec 5.6). */
export interface TextOptions extends SamplingOptions {
  /** Most tokens to generate. The reference's limit also counts the start token: its N is N − 1 here. */
  readonly maxTokens: number;
  readonly seed?: number;
  /** What the text already begins with; what follows is generated and answered. */
  readonly begin?: string;
  /** Also tell the probability of each token, and of this many of the likeliest, before temperature and nucleus. */
  readonly logprobs?: number;
  /**
   * Called for each token with what the text grew by: '' while a character is incomplete. Parts concatenate to the text.
   * The rest of a text that ends inside a character comes without token.
   */
  readonly onToken?: (part: string, token: ChosenToken | null) => void;
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
 * One text in the making: a context, the id to be read next, and what has been said. Each step reads one id and is given
 * the one that follows; which other rows are read in the same pass makes no difference.
 */
export class TextRow {
  readonly #decoder;
  readonly #choices: number;
  readonly #eos: number;
  readonly #ids: number[] = [];
  #next: number;
  #text = '';
  #finish: GeneratedText['finish'] | null = null;

  /** Reads what the text begins with, but for its last token. */
  constructor(
    model: UnifiedModel,
    tokenizer: Tokenizer,
    readonly context: KvContext,
    readonly options: TextOptions,
  ) {
    const { bos, eos } = tokenizer.special;
    const { vocabSize } = model.config.llm;
    this.#choices = options.unusedIds ? vocabSize : Math.min(tokenizer.size, vocabSize);
    this.#eos = eos;
    this.#decoder = tokenizer.stream({ skipSpecial: true });
    const begin = [bos, ...(options.begin ? tokenizer.encode(options.begin) : [])];
    this.#next = begin.pop() as number;
    if (begin.length > 0) feedTokens(model, context, begin).dispose();
    if (options.maxTokens < 1) this.#end('length');
  }

  /** The id to be read in the next step. */
  get next(): number {
    return this.#next;
  }

  /** The text, once it has ended. */
  get result(): GeneratedText | null {
    return this.#finish && { text: this.#text, ids: this.#ids, finish: this.#finish };
  }

  /** How the token that follows is to be chosen. */
  get draw(): TokenDraw {
    const { temperature = 0, topP = 1, seed = 0, logprobs } = this.options;
    const key = { seed, stream: TEXT_STREAM, counter: this.#ids.length };
    const likeliest = logprobs === undefined ? {} : { likeliest: Math.min(logprobs, this.#choices) };
    return { choices: this.#choices, temperature, topP, key, ...likeliest };
  }

  /** Goes on with the token that follows. */
  take(token: ChosenToken): void {
    const { options } = this;
    const { id } = token;
    if (id === this.#eos) {
      this.#end('stop');
      return;
    }
    this.#next = id;
    this.#ids.push(id);
    const part = this.#decoder.push(id);
    this.#text += part;
    options.onToken?.(part, token);
    if (this.#ids.length === options.maxTokens) this.#end('length');
  }

  #end(finish: GeneratedText['finish']): void {
    this.#finish = finish;
    const rest = this.#decoder.end();
    if (rest === '') return;
    this.#text += rest;
    this.options.onToken?.(rest, null);
  }
}
