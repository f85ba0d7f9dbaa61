import { sampleTokens, tf } from '@unicharacter/native';
import {
  ContextLengthError,
  emptyContext,
  feedRows,
  feedTokens,
  inferLogits,
  type KvContext,
  type UnifiedModel,
} from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { PrefixCache } from './prefix-cache.js';
import { type GeneratedText, type TextOptions, TextRow } from './text-row.js';
import { AbortedError, nextTurn } from './turns.js';

/** A text that is being decoded, and who waits for it. */
interface Writing {
  readonly row: TextRow;
  resolve(text: GeneratedText): void;
  reject(error: unknown): void;
}

interface Waiting {
  readonly signal: AbortSignal | undefined;
  resolve(): void;
  reject(error: unknown): void;
}

/** Prompts read in a round: the more texts are decoded together, the less each costs, but those in the making wait. */
const READINGS = 4;

/** What a piece of work is that asks for its turn: reading a prompt, or one step of a drawing. */
export type TurnKind = 'reading' | 'drawing';

/**
 * Lets several requests share one model. In each round all texts in the making advance by one token, in one pass; then a
 * few prompts are read and one step of one drawing is made, in order of arrival. So texts go on while pictures are
 * drawn, and drawings take turns among themselves.
 *
 * Rounds run while there is work, with a turn of the event loop between them.
 */
export class Scheduler {
  readonly #model: UnifiedModel;
  readonly #tokenizer: Tokenizer;
  #writings: Writing[] = [];
  readonly #waiting: Record<TurnKind, Waiting[]> = { reading: [], drawing: [] };
  #running = false;
  /** A context of the pool that all requests share while there are any. */
  #pool: KvContext | undefined;

  readonly #prefixes: PrefixCache;

  /**
   * @param prefixTokens tokens of earlier prompts whose keys and values are kept for prompts that begin like them; 0 (the
   *   default) keeps none. While some are kept, the weights must not change.
   */
  constructor(
    { model, tokenizer }: { readonly model: UnifiedModel; readonly tokenizer: Tokenizer },
    prefixTokens = 0,
  ) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#prefixes = new PrefixCache(prefixTokens);
  }

  /** Texts that are decoded together now. */
  get batch(): number {
    return this.#writings.length;
  }

  /** A context that has read nothing, on the pool of the other requests; only such contexts are decoded in one pass. */
  emptyContext(): KvContext {
    this.#pool = this.#pool?.poolAlive ? this.#pool.forkEmpty() : emptyContext(this.#model);
    return this.#pool;
  }

  /**
   * A context that has read a text from the start on, of which the beginning may be taken from an earlier one.
   * @throws ContextLengthError when the text does not fit the model
   */
  read(ids: readonly number[]): KvContext {
    const context = this.#prefixes.fork(ids) ?? this.emptyContext();
    try {
      const rest = ids.slice(context.length);
      if (rest.length > 0) feedTokens(this.#model, context, rest).dispose();
    } catch (error) {
      context.dispose();
      throw error;
    }
    this.#prefixes.keep(ids, context);
    return context;
  }

  /** Frees what is kept of earlier prompts. */
  dispose(): void {
    this.#prefixes.dispose();
  }

  /**
   * Continues a context with one text item (spec 5.6): start marker, then token by token until the end marker or the
   * limit. What was read stays in the context, which remains the caller's; the end marker does not.
   *
   * @throws AbortedError when the signal is aborted; ContextLengthError when the positions run out
   */
  async write(context: KvContext, options: TextOptions): Promise<GeneratedText> {
    const row = new TextRow(this.#model, this.#tokenizer, context, options);
    if (row.result) return row.result;
    return new Promise((resolve, reject) => {
      this.#writings.push({ row, resolve, reject });
      this.#start();
    });
  }

  /**
   * Waits until the caller may do one piece of work, up to its next `await`.
   * @throws AbortedError when the signal is aborted
   */
  turn(kind: TurnKind, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting[kind].push({ signal, resolve, reject });
      this.#start();
    });
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#rounds();
  }

  async #rounds(): Promise<void> {
    const { reading, drawing } = this.#waiting;
    while (this.#writings.length + reading.length + drawing.length > 0) {
      // What got its turn works in here, before the next round.
      await nextTurn();
      this.#textStep();
      for (let i = 0; i < READINGS; i++) grantNext(reading);
      grantNext(drawing);
    }
    this.#running = false;
  }

  /** One token for every text, in one pass for each pool. Who fails or has ended leaves; the others do not notice. */
  #textStep(): void {
    this.#leave(({ row: { options } }) => {
      if (options.signal?.aborted) throw new AbortedError();
    });
    const left = new Set(this.#writings);
    for (const first of left) {
      const batch = [...left].filter(({ row }) => row.context.sharesPool(first.row.context));
      for (const writing of batch) left.delete(writing);
      this.#step(batch);
    }
  }

  #step(batch: readonly Writing[]): void {
    const rows = batch.map(({ row }) => row);
    let logits: tf.Tensor2D;
    try {
      logits = this.#read(rows);
    } catch (error) {
      const whole = !(error instanceof ContextLengthError) || batch.length === 1;
      if (whole) this.#drop(batch, error);
      // One of them is full: alone each gets its own answer.
      else for (const writing of batch) this.#step([writing]);
      return;
    }
    const tokens = sampleTokens(
      logits,
      rows.map(({ draw }) => draw),
    );
    logits.dispose();
    const chosen = new Map(batch.map((writing, i) => [writing, tokens[i]]));
    this.#leave((writing) => {
      const token = chosen.get(writing);
      if (token) writing.row.take(token);
    });
  }

  /** Reads the next id of each row and answers the logits [rows, vocabulary]; the caller disposes them. */
  #read(rows: readonly TextRow[]): tf.Tensor2D {
    return tf.tidy(() => {
      const hidden = feedRows(
        this.#model,
        rows.map(({ context }) => context),
        rows.map(({ next }) => next),
      );
      return inferLogits(this.#model, hidden);
    });
  }

  /** Runs `f` for every text; those that it fails or ends get their answer and are not decoded further. */
  #leave(f: (writing: Writing) => void): void {
    this.#writings = this.#writings.filter((writing) => {
      try {
        f(writing);
        const { result } = writing.row;
        if (result) writing.resolve(result);
        return result === null;
      } catch (error) {
        writing.reject(error);
        return false;
      }
    });
  }

  #drop(batch: readonly Writing[], error: unknown): void {
    this.#writings = this.#writings.filter((writing) => !batch.includes(writing));
    for (const { reject } of batch) reject(error);
  }
}

/** Lets the first who still waits go on. */
function grantNext(waiting: Waiting[]): void {
  for (let first = waiting.shift(); first; first = waiting.shift()) {
    if (!first.signal?.aborted) {
      first.resolve();
      return;
    }
    first.reject(new AbortedError());
  }
}

/** Continues one context by itself; see `Scheduler.write`. */
export function generateText(
  model: UnifiedModel,
  context: KvContext,
  tokenizer: Tokenizer,
  options: TextOptions,
): Promise<GeneratedText> {
  return new Scheduler({ model, tokenizer }).write(context, options);
}
