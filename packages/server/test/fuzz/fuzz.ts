import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { AnswerCheck, type OpenApiDocument } from '../answer-check.js';
import { fileSamples } from './file-samples.js';
import { KnownValues } from './known-values.js';
import { type Endpoint, endpointsOf, requestsTo, type WireRequest } from './requests.js';
import { type Received, send } from './send.js';

const SERVER = fileURLToPath(new URL('fuzz-server.mjs', import.meta.url));
const MODEL = 'unicharacter/mimi-moss';
/** The whole is sent in as many parts; memory is looked at after each. */
const PARTS = 4;
/** Endpoints that are fuzzed at the same time. */
const TOGETHER = 4;

/** What the server holds, in bytes; after a collection of garbage. */
export interface Held {
  readonly connections: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
}

export interface FuzzReport {
  readonly requests: number;
  /** How often each status came, by endpoint; `left` counts clients that did not wait. */
  readonly statuses: ReadonlyMap<string, ReadonlyMap<number | 'left', number>>;
  /** What should not have happened, with the shrunk request and how to see it again. */
  readonly failures: readonly string[];
  /** After each part. */
  readonly held: readonly Held[];
  /** Requests that the server still counts as open at the end. */
  readonly open: number;
}

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** Of the server's files. */
  readonly folder: string;
  /** Of a base model that jobs may name "tiny". */
  readonly base: string;
}

/** Sends requests made from the server's own OpenAPI document to every endpoint in it, and looks at what comes back. */
export async function fuzz({ requests, seed, folder, base }: FuzzOptions): Promise<FuzzReport> {
  const server = fork(SERVER, [folder, base], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const gone = new Promise<never>((_, reject) => {
    server.once('exit', (code, signal) => reject(new Error(`the server ended with ${code ?? signal}`)));
  });
  gone.catch(() => {});
  try {
    const [address] = (await Promise.race([once(server, 'message'), gone])) as [string];
    const run = new FuzzRun(address, await documentOf(address), await fileSamples());
    const held: Held[] = [];
    for (let part = 0; part < PARTS; part++) {
      await Promise.race([run.part(requests / PARTS, seed + part), gone]);
      held.push(await heldBy(server));
    }
    const open = await openRequests(address);
    return { requests: run.sent, statuses: run.statuses, failures: run.failures, held, open };
  } finally {
    server.removeAllListeners('exit').kill('SIGKILL');
  }
}

class FuzzRun {
  readonly statuses = new Map<string, Map<number | 'left', number>>();
  readonly failures: string[] = [];
  sent = 0;
  private readonly endpoints: Endpoint[];
  private readonly check: AnswerCheck;
  private readonly known = new KnownValues({
    model: [MODEL, 'tiny'],
    '*': [MODEL],
    sd_model_checkpoint: [MODEL],
    character: [MODEL, /^char_/],
    training_file: [/^(char_|file-)/],
    validation_file: [/^file-/],
    purpose: ['fine-tune'],
    consent: ['true'],
    id: [/./],
    after: [/^(file-|ftjob-|ftevent-)/],
  });

  constructor(
    private readonly address: string,
    document: OpenApiDocument,
    private readonly files: readonly Buffer[],
  ) {
    this.endpoints = endpointsOf(document);
    this.check = new AnswerCheck(document);
  }

  /** Sends that many requests, as many to each endpoint. */
  async part(requests: number, seed: number): Promise<void> {
    const waiting = [...this.endpoints.entries()];
    const agent = new Agent({ keepAlive: true });
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, endpoint] = next;
        const numRuns = Math.ceil(requests / this.endpoints.length);
        await this.endpoint(endpoint, { numRuns, seed: seed * 1000 + index }, agent);
      }
    };
    try {
      await Promise.all(Array.from({ length: TOGETHER }, work));
    } finally {
      agent.destroy();
    }
  }

  private async endpoint(
    endpoint: Endpoint,
    how: { numRuns: number; seed: number },
    agent: Agent,
  ): Promise<void> {
    const arbitrary = requestsTo(endpoint, this.known, this.files);
    const property = fc.asyncProperty(arbitrary, async (wire) => {
      const problem = await this.problem(endpoint, wire, agent);
      if (problem) throw new Error(problem);
    });
    const { failed, errorInstance, counterexample } = await fc.check(property, how);
    if (!failed) return;
    const [wire] = counterexample ?? [];
    const shown = { ...wire, body: wire?.body?.toString('latin1').slice(0, 500) };
    const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
    this.failures.push(
      `${endpoint.method} ${endpoint.path} (seed ${how.seed}): ${why}\n  ${JSON.stringify(shown)}`,
    );
  }

  private async problem(endpoint: Endpoint, wire: WireRequest, agent: Agent): Promise<string | undefined> {
    const received = await this.exchange(wire, agent);
    this.count(`${endpoint.method} ${endpoint.path}`, received?.status ?? 'left');
    if (!received) return undefined;
    this.known.learn(received.body);
    const { method, path } = endpoint;
    return wire.onPath ? this.check.problem({ method, path, ...received }) : offPathProblem(received);
  }

  /** A line that the server closed before it read all is tried again on a fresh one: the answer may have been lost on it. */
  private async exchange(wire: WireRequest, agent: Agent): Promise<Received | undefined> {
    try {
      return await send(this.address, wire, agent);
    } catch (error) {
      if (!['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return send(this.address, wire, new Agent());
    }
  }

  private count(endpoint: string, status: number | 'left'): void {
    this.sent += 1;
    const counts = this.statuses.get(endpoint) ?? new Map<number | 'left', number>();
    this.statuses.set(endpoint, counts.set(status, (counts.get(status) ?? 0) + 1));
  }
}

/** What leads elsewhere may be anything but a failure of the server or an error in another shape. */
function offPathProblem({ status, contentType, body }: Received): string | undefined {
  if (status >= 500) return `status ${status}: ${body.slice(0, 300)}`;
  if (status < 400) return undefined;
  const shaped =
    contentType?.startsWith('application/json') && typeof JSON.parse(body).error?.message === 'string';
  return shaped ? undefined : `status ${status} is not in the shape of errors: ${body.slice(0, 300)}`;
}

async function documentOf(address: string): Promise<OpenApiDocument> {
  return (await (await fetch(`${address}/openapi.json`)).json()) as OpenApiDocument;
}

async function heldBy(server: ChildProcess): Promise<Held> {
  server.send('held');
  const [held] = (await once(server, 'message')) as [Held];
  return held;
}

/** Requests that run or wait, as the server's metrics tell. */
async function openRequests(address: string): Promise<number> {
  const metrics = await (await fetch(`${address}/metrics`)).text();
  return Number(/^unicharacter_queue_length (\d+)/m.exec(metrics)?.[1] ?? Number.NaN);
}
