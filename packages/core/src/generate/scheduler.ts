import { tf } from '@unicharacter/native';
import {
  ContextLengthError,
  emptyContext,
  feedRows,
  inferLogits,
  type KvContext,
  type UnifiedModel,
} from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
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

/** What a piece of work is that asks for its turn: reading a prompt, or one step of a drawing. */
export type TurnKind = 'reading' | 'drawing';

/**
 * Lets several requests share one model. In each round all texts in the making advance by one token, in one pass; then at
 * most one prompt is read and one step of one drawing is made, in order of arrival. So texts go on while pictures are
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

  constructor({ model, tokenizer }: { readonly model: UnifiedModel; readonly tokenizer: Tokenizer }) {
    this.#model = model;
    this.#tokenizer = tokenizer;
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
      grantNext(reading);
      grantNext(drawing);
    }
    this.#running = false;
  }

  /** One token for every text, in one pass for each pool. Who fails or has ended leaves; the others do not notice. */
  #textStep(): void {
    this.#leave(({ row: { options } }) => {
      if (options.signal?.aborted) throw stopped();
    });
    const left = new Set(this.#writings);
    for (const first of left) {
      const batch = [...left].filter(({ row }) => row.context.sharesPool(first.row.context));
      for (const writing of batch) left.delete(writing);
      this.#step(batch);
    }
  }

  #step(batch: readonly Writing[]): void {
    let logits: Float32Array;
    try {
      logits = this.#read(batch.map(({ row }) => row));
    } catch (error) {
      const whole = !(error instanceof ContextLengthError) || batch.length === 1;
      if (whole) this.#drop(batch, error);
      // One of them is full: alone each gets its own answer.
      else for (const writing of batch) this.#step([writing]);
      return;
    }
    const size = logits.length / batch.length;
    const places = new Map(batch.map((writing, i) => [writing, i * size]));
    this.#leave((writing) => {
      const at = places.get(writing);
      if (at !== undefined) writing.row.take(logits.subarray(at, at + size));
    });
  }

  /** Reads the next id of each row and answers the logits [rows · vocabulary]. */
  #read(rows: readonly TextRow[]): Float32Array {
    return tf.tidy(() => {
      const hidden = feedRows(
        this.#model,
        rows.map(({ context }) => context),
        rows.map(({ next }) => next),
      );
      return inferLogits(this.#model, hidden).dataSync() as Float32Array;
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
    first.reject(stopped());
  }
}

const stopped = () => new AbortedError('the work was stopped on request');

/** Continues one context by itself; see `Scheduler.write`. */
export function generateText(
  model: UnifiedModel,
  context: KvContext,
  tokenizer: Tokenizer,
  options: TextOptions,
): Promise<GeneratedText> {
  return new Scheduler({ model, tokenizer }).write(context, options);
}
