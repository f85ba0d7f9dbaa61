import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { OpenEngine } from '../character-shelf.js';
import { childOptions } from '../child-options.js';
import { Calls, type Progress } from './calls.js';
import { engineClosing, engineEnded, engineFailed } from './engine-errors.js';
import type { EngineMemory, FromEngine, ToEngine } from './protocol.js';
import { RemoteEngine } from './remote-engine.js';
import { type RestartLimits, RestartPolicy } from './restart-policy.js';

export interface EngineProcessOptions {
  /** Module that the process runs; it calls `serveEngine`. By default characters come from run folders. */
  entry?: string;
  /** Milliseconds without a sign of life after which the process counts as stuck and is killed. Default 5 minutes: one
   * step of a large model on a small machine blocks it. */
  silence?: number;
  restart?: Partial<RestartLimits>;
  /** Told when the process has ended without being asked to, and how. */
  onCrash?(how: string): void;
}

const MAIN = fileURLToPath(new URL('./engine-main.js', import.meta.url));
const SILENCE = 300_000;
/** Milliseconds that the process gets to end by itself. */
const GRACE = 2000;

/**
 * `starting`: no sign of life yet. `restarting`: it crashed and is started again after a pause. `failed`: it crashed so often
 * that it stays down.
 */
export const ENGINE_STATUSES = ['idle', 'starting', 'ready', 'restarting', 'failed', 'closed'] as const;
type EngineStatus = (typeof ENGINE_STATUSES)[number];

export interface EngineState {
  readonly status: EngineStatus;
  /** Ends of the process that nobody asked for, so far. */
  readonly crashes: number;
  /** How the last of them came. */
  readonly lastCrash: string | null;
  /** Calls that the process works on. */
  readonly calls: number;
  /** Of the last sign of life; null while there is no process. */
  readonly memory: EngineMemory | null;
  readonly pid: number | null;
}

/**
 * The process that holds the weights, so that whatever happens in native code ends it and not the server. When it ends
 * without being asked to (a crash, the system's out-of-memory killer), its running calls fail; after a pause that grows
 * with each crash it is started again and loads what it had loaded. Calls that come meanwhile wait.
 */
export class EngineProcess {
  readonly #options: EngineProcessOptions;
  readonly #calls = new Calls();
  readonly #policy: RestartPolicy;
  #status: EngineStatus = 'idle';
  #child: ChildProcess | undefined;
  /** Settles when the pause before a start is over, or there will be none. */
  #pause: { readonly over: Promise<void>; end(): void } | undefined;
  #folder: string | undefined;
  #memory: EngineMemory | null = null;
  #crashes = 0;
  #lastCrash: string | null = null;
  #watch: NodeJS.Timeout | undefined;
  /** Whether the process has said anything since the last look. */
  #heard = false;

  constructor(options: EngineProcessOptions = {}) {
    this.#options = options;
    this.#policy = new RestartPolicy(options.restart);
  }

  get state(): EngineState {
    return {
      status: this.#status,
      crashes: this.#crashes,
      lastCrash: this.#lastCrash,
      calls: this.#calls.size,
      memory: this.#memory,
      pid: this.#child?.pid ?? null,
    };
  }

  /** Starts the process, if it has not been started yet; the first call does it too. */
  start(): void {
    if (this.#status === 'idle') this.#fork();
  }

  /**
   * Loads the character in a run folder.
   * @throws ApiError 503 when the process crashes; EngineError with the engine's message when the folder cannot be opened
   */
  async open(folder: string): Promise<OpenEngine> {
    await this.call({ type: 'load', folder });
    return new RemoteEngine(this, folder);
  }

  /**
   * Sends a message and waits for its answer. The signal asks the engine to end the work, which answers as it then does.
   * @throws ApiError 503 when the process crashes before it answers, or stays down
   */
  async call(message: CallMessage, progress: Progress = {}, signal?: AbortSignal): Promise<unknown> {
    this.start();
    while (!this.#child) await this.#nextStart();
    // No pause from here on to the beginning of the call: whatever ends the process must find it.
    const child = this.#child;
    signal?.throwIfAborted();
    const { call, answer } = this.#calls.begin(progress);
    const abort = (): void => send(child, { type: 'abort', call });
    send(child, { ...message, call });
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const value = await answer;
      this.#folder = message.folder;
      return value;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends the process; calls that run fail. */
  async close(): Promise<void> {
    this.#status = 'closed';
    this.#pause?.end();
    this.#calls.fail(engineClosing());
    clearInterval(this.#watch);
    const child = this.#child;
    this.#child = undefined;
    if (!child?.connected) return;
    // Not "close", which does not come after a disconnection from this side.
    const ended = once(child, 'exit');
    const kill = setTimeout(() => child.kill('SIGKILL'), GRACE);
    child.disconnect();
    await ended;
    clearTimeout(kill);
  }

  async #nextStart(): Promise<void> {
    if (this.#status === 'closed') throw engineClosing();
    if (this.#status === 'failed') throw this.#down();
    await this.#pause?.over;
  }

  #fork(): void {
    this.#status = 'starting';
    const child = fork(this.#options.entry ?? MAIN, {
      ...childOptions(),
      serialization: 'advanced',
    });
    this.#child = child;
    this.#listenTo(child);
    child.on('message', (messages: FromEngine[]) => this.#receive(messages));
    child.on('error', ({ message }) => {
      // Also told of messages that could not be sent, by a process that is still there.
      if (child.pid === undefined) this.#ended(child, message);
    });
    // Not "exit": answers may still be on their way then.
    child.once('close', (code, signal) => this.#ended(child, signal ?? `exit code ${code}`));
    if (this.#folder !== undefined) this.#reload(this.#folder);
  }

  /** Kills a process that says nothing for so long. */
  #listenTo(child: ChildProcess): void {
    this.#heard = true;
    // In halves, so that a pause of the whole machine is not taken for silence.
    this.#watch = setInterval(
      () => {
        if (!this.#heard) child.kill('SIGKILL');
        this.#heard = false;
      },
      (this.#options.silence ?? SILENCE) / 2,
    );
  }

  /** What was in memory before the crash comes back without waiting for a request. */
  #reload(folder: string): void {
    // Whoever needs it gets the error.
    this.call({ type: 'load', folder }).catch(() => {});
  }

  #receive(messages: readonly FromEngine[]): void {
    this.#heard = true;
    for (const message of messages) {
      if (message.type !== 'status') this.#calls.receive(message);
      else {
        this.#memory = message.memory;
        if (this.#status === 'starting') this.#status = 'ready';
      }
    }
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    clearInterval(this.#watch);
    this.#child = undefined;
    this.#memory = null;
    if (this.#status === 'closed') return;
    this.#crashes += 1;
    this.#lastCrash = how;
    const pause = this.#policy.crashed();
    if (pause === null) this.#status = 'failed';
    else this.#restartAfter(pause);
    this.#options.onCrash?.(how);
    this.#calls.fail(pause === null ? this.#down() : engineEnded(how));
  }

  #restartAfter(milliseconds: number): void {
    this.#status = 'restarting';
    let end = (): void => {};
    const over = new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#pause = undefined;
        this.#fork();
        resolve();
      }, milliseconds);
      end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#pause = { over, end };
  }

  #down(): Error {
    const { crashes, window } = this.#policy.limits;
    return engineFailed(crashes, window / 1000, this.#lastCrash);
  }
}

type WithoutCall<M> = M extends { readonly call: number } ? Omit<M, 'call'> : never;
export type CallMessage = WithoutCall<Exclude<ToEngine, { type: 'abort' }>>;

function send(child: ChildProcess, message: ToEngine): void {
  // A process that is going away answers nothing; its end fails the calls.
  if (child.connected) child.send(message, () => {});
}
