/**
 * Requests made from the OpenAPI document to every endpoint. Short here; `nx run server:fuzz` sends more. FUZZ_REQUESTS and
 * FUZZ_SEED choose how many and which.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { tinyWorld } from '../../core/test/train/tiny-run.js';
import { type FuzzReport, fuzz } from './fuzz/fuzz.js';

const requests = Number(process.env.FUZZ_REQUESTS ?? 1500);
const seed = Number(process.env.FUZZ_SEED ?? 1);
const MEBIBYTE = 2 ** 20;
/** What a heap may grow by from the second quarter on, whose caches are full. */
const GROWTH = 16 * MEBIBYTE;

const { root, base } = tinyWorld();
const folder = mkdtempSync(join(tmpdir(), 'unicharacter-fuzz-'));
afterAll(() => {
  for (const made of [root, folder]) rmSync(made, { recursive: true });
});

it(`answers ${requests} requests as its document says`, { timeout: 60_000 + 100 * requests }, async () => {
  const began = performance.now();
  const report = await fuzz({ requests, seed, folder, base });
  if (process.env.FUZZ_REQUESTS) show(report, (performance.now() - began) / 1000);
  expect(report.failures).toEqual([]);
  expect(report.requests).toBeGreaterThanOrEqual(requests);
  expect(report.open).toBe(0);
  const [, second, , last] = report.held;
  // That of the last look at the metrics.
  expect(last!.connections).toBeLessThanOrEqual(1);
  expect(last!.heapUsed - second!.heapUsed).toBeLessThan(GROWTH);
  expect(existsSync('/tmp/fuzz-traversal.yaml')).toBe(false);
});

function show({ statuses, requests: sent, failures, held, open }: FuzzReport, seconds: number): void {
  const endpoints = [...statuses].map(([endpoint, counts]) => {
    const ordered = [...counts].sort(([a], [b]) => String(a).localeCompare(String(b)));
    return `${endpoint.padEnd(48)} ${ordered.map(([status, count]) => `${status}: ${count}`).join('  ')}`;
  });
  const memory = held.map(({ heapUsed, external, rss, connections }, part) => {
    const [heap, outside, all] = [heapUsed, external, rss].map((bytes) => (bytes / MEBIBYTE).toFixed(1));
    return `after part ${part + 1}: heap ${heap} MiB, external ${outside} MiB, resident ${all} MiB, connections ${connections}`;
  });
  const total = `${sent} requests, seed ${seed}, ${seconds.toFixed(0)} s; ${failures.length} failures, ${open} open requests`;
  process.stdout.write(`${[...endpoints, ...memory, ...failures, total].join('\n')}\n`);
}
