import { Type } from '@fastify/type-provider-typebox';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { answers, choice, closed, media, nullable } from '../answers/answers.js';
import type { Serving } from '../serving.js';
import type { App } from './app.js';

const Alive = closed({ status: Type.Literal('ok') });
const Ready = closed({
  status: choice('ready', 'busy'),
  queue: Type.Integer({ minimum: 0 }),
  loaded: nullable(Type.String()),
});

/** Seconds; a picture may take minutes. */
const BUCKETS = [0.05, 0.25, 1, 5, 20, 60, 300];

/** `/healthz` (the process answers), `/readyz` (another request would be taken), `/metrics` (Prometheus). */
export function healthRoutes(app: App, { shelf, queue }: Serving): void {
  const described = (summary: string, response: object) => ({ tags: ['health'], summary, response });
  app.get('/healthz', { schema: described('The process answers', answers(Alive)) }, async () => ({
    status: 'ok',
  }));
  app.get(
    '/readyz',
    { schema: described('Another request would be taken', { 200: Ready, 503: Ready }) },
    async (_, reply) =>
      reply
        .status(queue.full ? 503 : 200)
        .send({ status: queue.full ? 'busy' : 'ready', queue: queue.length, loaded: shelf.loadedId ?? null }),
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
