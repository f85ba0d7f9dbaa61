import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { parseRetryAfter, retryDelay } from '../../http/retry-delay.js';
import { decodeImage } from '../../image/index.js';
import type { RewardSample } from '../reward-model.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { type HttpRewardOptions, httpReward, httpTextReward, RewardUnavailableError } from './http-reward.js';

type Handler = (
  samples: Record<string, unknown>[],
  response: ServerResponse,
  request: IncomingMessage,
) => void;

const servers: ReturnType<typeof createServer>[] = [];

/** A service that treats its first request as the first handler says, and so on; the last one repeats. */
async function serve(...handlers: Handler[]) {
  let requests = 0;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const handler = handlers[Math.min(requests++, handlers.length - 1)]!;
    handler(JSON.parse(body).samples, response, request);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/score`, count: () => requests };
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const sample = (prompt: string): RewardSample => ({
  image: { width: 2, height: 1, data: Float32Array.of(1, 0, 0, 0, 0.5, 1) },
  prompt,
  group: 3,
  questions: [{ question: 'Is it red?', answer: 'yes', weight: 1 }],
});
const samples = [sample('one'), sample('two'), sample('three')];

const scoreAll: Handler = (sent, response) =>
  response.end(JSON.stringify({ scores: sent.map(({ prompt }) => String(prompt).length) }));
const fail =
  (status: number, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response.writeHead(status, headers).end('overloaded');

const quick: Omit<HttpRewardOptions, 'url'> = {
  name: 'judge',
  backoff: { firstMs: 1, longestMs: 2000 },
  timeoutMs: 2000,
};

describe('httpReward', () => {
  it('sends pictures as PNG with what they were asked to show, in batches, and reads scores', async () => {
    const seen: Record<string, unknown>[] = [];
    let authorization: string | undefined;
    const { url, count } = await serve((sent, response, request) => {
      seen.push(...sent);
      authorization = request.headers.authorization;
      scoreAll(sent, response, request);
    });
    const headers = { authorization: 'Bearer secret' };
    const reward = httpReward({ ...quick, url: `${url}?key=secret`, batchSize: 2, headers });
    const { values, details } = await reward.score(samples);
    expect([...values]).toEqual([3, 3, 5]);
    expect(details).toEqual([{}, {}, {}]);
    expect(count()).toBe(2);
    const { image, ...rest } = seen[0]!;
    expect(rest).toEqual({ prompt: 'one', group: 3, questions: samples[0]!.questions });
    const [, base64] = /^data:image\/png;base64,(.+)$/.exec(String(image))!;
    expect([...(await decodeImage(Buffer.from(base64!, 'base64'))).data]).toEqual([255, 0, 0, 0, 127, 255]);
    expect(authorization).toBe('Bearer secret');
    expect(JSON.stringify(reward.provenance)).not.toContain('secret');
  });

  it('tries again after faults that pass, and keeps details', async () => {
    const { url, count } = await serve(
      fail(503),
      (_, response) => response.destroy(),
      (sent, response) =>
        response.end(JSON.stringify({ scores: sent.map(() => 1), details: sent.map((_, i) => ({ i })) })),
    );
    const { values, details } = await httpReward({ ...quick, url }).score(samples);
    expect([...values]).toEqual([1, 1, 1]);
    expect(details[2]).toEqual({ i: 2 });
    expect(count()).toBe(3);
  });

  it('waits as long as the service asks, but not for ever', async () => {
    const polite = await serve(fail(429, { 'retry-after': '1' }), scoreAll);
    const start = performance.now();
    await httpReward({ ...quick, url: polite.url }).score(samples);
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
    const endless = await serve(fail(429, { 'retry-after': '3600' }), scoreAll);
    await expect(httpReward({ ...quick, url: endless.url }).score(samples)).rejects.toThrow(
      'no score after 1 attempts; the last one: status 429: overloaded',
    );
  });

  it('gives up on a service that hangs', async () => {
    const { url } = await serve(() => {});
    const reward = httpReward({ ...quick, url, timeoutMs: 50, attempts: 2 });
    await expect(reward.score(samples)).rejects.toThrow(
      'no score after 2 attempts; the last one: no answer within 50 ms',
    );
  });

  it('does not repeat a request that cannot succeed, and does not follow redirects', async () => {
    const { url, count } = await serve(fail(401));
    await expect(httpReward({ ...quick, url }).score(samples)).rejects.toThrow(
      `reward "judge" (${url}): status 401`,
    );
    expect(count()).toBe(1);
    const moved = await serve(fail(302, { location: 'http://127.0.0.1:1/' }));
    await expect(httpReward({ ...quick, url: moved.url }).score(samples)).rejects.toThrow('status 302');
  });

  it.each([
    ['not JSON', 'expected JSON, found "not JSON"'],
    ['{"scores": [1, 2]}', 'expected 3 scores, found 2'],
    ['{"scores": [1, 2, null]}', '/scores/2 must be number'],
    ['{"scores": [1, 2, 3], "details": [{}]}', 'expected 3 scores and details, found 3 and 1'],
    ['[1, 2, 3]', 'the answer must be object'],
  ])('refuses the answer %s', async (body, message) => {
    const { url } = await serve((_, response) => response.end(body));
    await expect(httpReward({ ...quick, url }).score(samples)).rejects.toThrow(message);
  });

  it('opens the breaker after failures in a row and says so, without asking again', async () => {
    const { url, count } = await serve(fail(500));
    const reward = httpReward({ ...quick, url, attempts: 2, breakAfter: 3 });
    await expect(reward.score(samples)).rejects.toThrow('no score after 2 attempts');
    await expect(reward.score(samples)).rejects.toThrow(
      'not asked after 3 failures in a row (the last one: status 500: overloaded); it is tried again in 60 s',
    );
    await expect(reward.score(samples)).rejects.toBeInstanceOf(RewardUnavailableError);
    expect(count()).toBe(3);
  });

  it('tries once after the cool-down and closes on success', async () => {
    const { url, count } = await serve(fail(500), scoreAll);
    const reward = httpReward({ ...quick, url, breakAfter: 1, coolDownMs: 300 });
    await expect(reward.score(samples)).rejects.toThrow('not asked after 1 failures');
    await new Promise((resolve) => setTimeout(resolve, 320));
    expect([...(await reward.score(samples)).values]).toEqual([3, 3, 5]);
    expect(count()).toBe(2);
  });

  it('takes a configured score instead of failing, and marks it; wrong answers still fail', async () => {
    const { url } = await serve(fail(500), fail(500), (_, response) => response.end('{}'));
    const reward = httpReward({ ...quick, url, attempts: 2, whenUnavailable: -1 });
    const { values, details } = await reward.score(samples);
    expect([...values]).toEqual([-1, -1, -1]);
    expect(details[0]).toMatchObject({ unavailable: true, reason: expect.stringContaining('status 500') });
    await expect(reward.score(samples)).rejects.toThrow('expected {"scores"');
  });

  it('scores replies too', async () => {
    const seen = vi.fn();
    const { url } = await serve((sent, response) => {
      seen(sent);
      response.end('{"scores": [0.5]}');
    });
    const reply = { character: 'Pip', prompt: 'Hi', reply: 'Hello!', group: 0 };
    expect([...(await httpTextReward({ ...quick, url }).score([reply])).values]).toEqual([0.5]);
    expect(seen).toHaveBeenCalledWith([{ ...reply, history: [] }]);
  });

  it('needs an address', () => {
    expect(() => httpReward({ ...quick, url: 'file:///etc' })).toThrow('expected an http or https address');
  });
});

describe('waits', () => {
  it('double, are half random, and respect the service and the limit', () => {
    const backoff = { firstMs: 100, longestMs: 500 };
    expect([1, 2, 3, 4].map((attempt) => retryDelay(attempt, backoff, null, () => 1))).toEqual([
      100, 200, 400, 500,
    ]);
    expect(retryDelay(2, backoff, null, () => 0)).toBe(100);
    expect(retryDelay(1, backoff, 300, () => 0)).toBe(300);
    expect(retryDelay(1, backoff, 501, () => 0)).toBeNull();
  });

  it('read both forms of the header', () => {
    expect(parseRetryAfter('7')).toBe(7000);
    expect(parseRetryAfter('Thu, 01 Jan 1970 00:01:00 GMT', 45_000)).toBe(15_000);
    expect(parseRetryAfter('soon')).toBeNull();
    expect(parseRetryAfter(null)).toBeNull();
  });

  it('of the breaker end with a single trial', () => {
    let now = 0;
    const breaker = new CircuitBreaker(2, 100, () => now);
    breaker.failed('x');
    expect(breaker.waitMs).toBe(0);
    breaker.failed('x');
    expect(breaker.waitMs).toBe(100);
    now = 100;
    expect(breaker.waitMs).toBe(0);
    breaker.failed('x');
    expect(breaker.waitMs).toBe(100);
    breaker.succeeded();
    expect([breaker.isOpen, breaker.failures, breaker.waitMs]).toEqual([false, 0, 0]);
  });
});
