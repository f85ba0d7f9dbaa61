import type { OpenEngine } from '../character-shelf.js';
import {
  type EngineMemory,
  type EngineRequest,
  type FromEngine,
  PROGRESS_EVENTS,
  type ToEngine,
} from './protocol.js';

/** Milliseconds between two signs of life. */
const STATUS_INTERVAL = 1000;

/** How an engine process loads characters, and what it knows of its memory. */
export interface EngineSource {
  open(folder: string): Promise<OpenEngine>;
  memory(): EngineMemory;
}

type Ask = Extract<ToEngine, { type: 'ask' }>;

/** The life of an engine process: answers the messages of its parent until that goes away. */
export function serveEngine({ open, memory }: EngineSource): void {
  const outbox = new Outbox();
  const character = new LoadedCharacter(open);
  const running = new Map<number, AbortController>();

  async function work(message: Exclude<ToEngine, { type: 'abort' }>): Promise<unknown> {
    const stop = new AbortController();
    running.set(message.call, stop);
    try {
      const engine = await character.load(message.folder);
      return message.type === 'load' ? undefined : await ask(engine, message, stop.signal, outbox);
    } finally {
      running.delete(message.call);
    }
  }

  process.on('message', (message: ToEngine) => {
    const { call } = message;
    if (message.type === 'abort') {
      running.get(call)?.abort();
      return;
    }
    work(message).then(
      (value) => outbox.put({ type: 'result', call, value }),
      (error: Error) => outbox.put({ type: 'failure', call, name: error.name, message: error.message }),
    );
  });
  // Ctrl-C and supervisors reach all processes; the parent says when to end.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  process.on('disconnect', () => process.exit(0));
  const status = (): void => outbox.put({ type: 'status', memory: memory() });
  setInterval(status, STATUS_INTERVAL);
  status();
}

/** The character in memory, one at a time. */
class LoadedCharacter {
  #loaded: { readonly folder: string; readonly engine: Promise<OpenEngine> } | undefined;

  constructor(private readonly open: EngineSource['open']) {}

  /** Takes the place of another one, which nobody may be using any more. */
  async load(folder: string): Promise<OpenEngine> {
    if (this.#loaded?.folder !== folder) {
      const before = this.#loaded;
      this.#loaded = { folder, engine: this.#replace(before?.engine, folder) };
    }
    const opening = this.#loaded;
    try {
      return await opening.engine;
    } catch (error) {
      // The next call tries again.
      if (this.#loaded === opening) this.#loaded = undefined;
      throw error;
    }
  }

  /** One after the other: there may not be room for both. */
  async #replace(before: Promise<OpenEngine> | undefined, folder: string): Promise<OpenEngine> {
    (await before?.catch(() => undefined))?.dispose();
    return this.open(folder);
  }
}

function ask(
  engine: OpenEngine,
  { call, method, request }: Ask,
  signal: AbortSignal,
  outbox: Outbox,
): Promise<unknown> {
  const callbacks = PROGRESS_EVENTS.map((event) => [
    event,
    (...values: unknown[]) => outbox.put({ type: 'progress', call, event, values }),
  ]);
  const f = engine[method] as unknown as (request: EngineRequest) => Promise<unknown>;
  return f.call(engine, { ...request, ...Object.fromEntries(callbacks), signal });
}

/** Sends together what is put in without a pause: the tokens of all texts of one decoding step are one message. */
class Outbox {
  #messages: FromEngine[] = [];

  put(message: FromEngine): void {
    // Not a later phase of the event loop: reading the next prompt would come before it.
    if (this.#messages.push(message) === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const messages = this.#messages;
    this.#messages = [];
    // Without a parent the process ends at the next turn of the event loop.
    if (process.connected) process.send?.(messages, () => {});
  }
}
