import type { ServedEngine } from './served-engine.js';

/** What an engine can be asked for. */
export type EngineMethod = keyof ServedEngine;

/** A request as it crosses to the engine process: without callbacks and signal, which messages replace. */
export type EngineRequest = Record<string, unknown>;

/**
 * Messages to the engine process. They are sent by structured cloning, so pictures cross as bytes. `call` numbers a
 * request; each is answered by one `result` or `failure`.
 */
export type ToEngine =
  /** Brings the character in this run folder into memory, in place of the one that is there. */
  | { readonly type: 'load'; readonly call: number; readonly folder: string }
  /** Lets the character in this folder work; it is loaded first when it is not there. */
  | {
      readonly type: 'ask';
      readonly call: number;
      readonly folder: string;
      readonly method: EngineMethod;
      readonly request: EngineRequest;
    }
  /** Nobody waits for this answer any more; it ends as soon as the engine can. */
  | { readonly type: 'abort'; readonly call: number };

/** Messages from the engine process. They come in lists: what happened since the last one. */
export type FromEngine =
  /** Progress of a call: the arguments of its callback `onToken` or `onStep`. */
  | {
      readonly type: 'progress';
      readonly call: number;
      readonly event: ProgressEvent;
      readonly values: readonly unknown[];
    }
  | { readonly type: 'result'; readonly call: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly call: number; readonly name: string; readonly message: string }
  /** The first message, and then at intervals: the process is alive, and this is what it holds. */
  | { readonly type: 'status'; readonly memory: EngineMemory };

/** Callbacks of requests that are told of progress. */
export const PROGRESS_EVENTS = ['onToken', 'onStep'] as const;
export type ProgressEvent = (typeof PROGRESS_EVENTS)[number];

/** Bytes. */
export interface EngineMemory {
  /** Tensors: weights, caches, what is being computed. */
  readonly live: number;
  /** The most that tensors have taken since the process started. */
  readonly peak: number;
  /** What the process holds in all. */
  readonly resident: number;
}
