import { ContextLengthError } from '@unicharacter/core';
import type { FromEngine, ProgressEvent } from './protocol.js';

/** An error that the engine threw; `name` and message are those of the error in its process. */
export class EngineError extends Error {
  constructor(
    override readonly name: string,
    message: string,
  ) {
    super(message);
  }
}

/** Who wants to know of a call's progress. */
export type Progress = { readonly [Event in ProgressEvent]?: (...values: never[]) => void };

interface Call {
  readonly progress: Progress;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** The calls that an engine process works on. */
export class Calls {
  readonly #open = new Map<number, Call>();
  #last = 0;

  get size(): number {
    return this.#open.size;
  }

  begin(progress: Progress): { call: number; answer: Promise<unknown> } {
    const call = ++this.#last;
    const answer = new Promise((resolve, reject) => this.#open.set(call, { progress, resolve, reject }));
    return { call, answer };
  }

  receive(message: Exclude<FromEngine, { type: 'status' }>): void {
    const call = this.#open.get(message.call);
    if (!call) return;
    if (message.type === 'progress') {
      call.progress[message.event]?.(...(message.values as never[]));
      return;
    }
    this.#open.delete(message.call);
    if (message.type === 'result') call.resolve(message.value);
    else call.reject(errorOf(message));
  }

  /** Fails all that are open. */
  fail(error: Error): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { reject } of open) reject(error);
  }
}

/** The error that the server knows how to answer, or one that is logged. */
function errorOf({ name, message }: Extract<FromEngine, { type: 'failure' }>): Error {
  return name === 'ContextLengthError' ? new ContextLengthError(message) : new EngineError(name, message);
}
