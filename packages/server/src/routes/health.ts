import { Type } from '@fastify/type-provider-typebox';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { answers, choice, closed, media, nullable } from '../answers/answers.js';
import { ENGINE_STATUSES, type EngineProcess, type EngineState } from '../engine/engine-process.js';
import type { Serving } from '../serving.js';
import type { App } from './app.js';

const Alive = closed({ status: Type.Literal('ok') });
const Ready = closed({
  status: choice('ready', 'busy', 'closing', ...ENGINE_STATUSES.map((status) => `engine ${status}` as const)),
  queue: Type.Integer({ minimum: 0 }),
  loaded: nullable(Type.String()),
  engine: Type.Optional(
    closed({
      status: choice(...ENGINE_STATUSES),
      crashes: Type.Integer({ minimum: 0 }),
      lastCrash: nullable(Type.String()),
    }),
  ),
});

/** Seconds; a picture may take minutes. */
const BUCKETS = [0.05, 0.25, 1, 5, 20, 60, 300];

/** `/healthz` (the process answers), `/readyz` (another request would be taken), `/metrics` (Prometheus). */
export function healthRoutes(app: App, serving: Serving, engine: EngineProcess | undefined): void {
  const { shelf, queue } = serving;
  const described = (summary: string, response: object) => ({ tags: ['health'], summary, response });
  app.get('/healthz', { schema: described('The process answers', answers(Alive)) }, async () => ({
    status: 'ok',
  }));
  app.get(
    '/readyz',
    { schema: described('Another request would be taken', { 200: Ready, 503: Ready }) },
    async (_, reply) => {
      const state = engine?.state;
      const status = readiness(serving, state);
      return reply.status(status === 'ready' ? 200 : 503).send({
        status,
        queue: queue.length,
        loaded: shelf.loadedId ?? null,
        ...(state && {
          engine: { status: state.status, crashes: state.crashes, lastCrash: state.lastCrash },
        }),
      });
    },
  );

  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const seconds = new Histogram({
    name: 'unicharacter_request_seconds',
    help: 'Duration of requests by route and status',
    labelNames: ['route', 'status'],
    buckets: BUCKETS,
    registers,
  });
  const failures = new Counter({
    name: 'unicharacter_errors_total',
    help: 'Answers with status 500 and above',
    registers,
  });
  new Gauge({
    name: 'unicharacter_queue_length',
    help: 'Requests that run or wait',
    registers,
    collect() {
      this.set(queue.length);
    },
  });
  new Gauge({
    name: 'unicharacter_running_requests',
    help: 'Requests that are worked on together',
    registers,
    collect() {
      this.set(queue.running);
    },
  });
  if (engine) engineMetrics(engine, registers);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    seconds.observe({ route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
    if (reply.statusCode >= 500) failures.inc();
  });
  app.get(
    '/metrics',
    { schema: described('Measures for Prometheus', answers(media('Measures', 'text/plain'))) },
    async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}

function readiness({ closing, queue }: Serving, engine: EngineState | undefined) {
  if (closing) return 'closing';
  if (engine && engine.status !== 'ready') return `engine ${engine.status}` as const;
  return queue.full ? 'busy' : 'ready';
}

function engineMetrics(engine: EngineProcess, registers: Registry[]): void {
  new Counter({
    name: 'unicharacter_engine_crashes_total',
    help: 'Ends of the engine process that nobody asked for; after each but the last of many it is started again',
    registers,
    collect() {
      this.reset();
      this.inc(engine.state.crashes);
    },
  });
  new Gauge({
    name: 'unicharacter_engine_up',
    help: '1 while the engine process takes requests',
    registers,
    collect() {
      this.set(engine.state.status === 'ready' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'unicharacter_engine_memory_bytes',
    help: 'Memory of the engine process: of its tensors now and at most, and in all',
    labelNames: ['kind'],
    registers,
    collect() {
      const { live = 0, peak = 0, resident = 0 } = engine.state.memory ?? {};
      this.set({ kind: 'tensors' }, live);
      this.set({ kind: 'tensors_peak' }, peak);
      this.set({ kind: 'resident' }, resident);
    },
  });
}
