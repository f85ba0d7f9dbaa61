import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Type from 'typebox';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Fault,
  hangs,
  picturesOf,
  type StandIn,
  says,
  standIn,
  status,
  wordsOf,
} from '../../test/chat-stand-in.js';
import { encodePng, solidImage } from '../image/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import { ChatEndpoint, type EndpointOptions } from './chat-endpoint.js';
import { EndpointError, InvalidAnswerError } from './endpoint-error.js';
import { question } from './question.js';

const asked = question({
  id: 'greeting',
  system: 'You greet.',
  text: 'Greet Pip.',
  images: [],
  schema: Type.Object({ words: Type.String({ minLength: 3 }) }, { additionalProperties: false }),
  check: ({ words }) => (words.includes('Pip') ? [] : ['/words has to use the name Pip']),
  answerTokens: 5,
});

const servers: StandIn[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** An endpoint whose requests are treated by these faults in turn, then answered. */
async function endpoint(faults: readonly Fault[], options: Partial<EndpointOptions> = {}) {
  const server = await standIn((index) => faults[index]);
  servers.push(server);
  const backoff = { firstMs: 1, longestMs: 2000 };
  const chat = new ChatEndpoint({ url: server.url, model: 'eyes', timeoutMs: 5000, backoff, ...options });
  return { chat, requests: server.requests };
}

describe('a chat endpoint', () => {
  it('asks with a strict schema and reads answer and usage', async () => {
    const { chat, requests } = await endpoint([], { key: 'secret' });
    const { answer, usage } = await chat.ask(asked);
    expect(answer).toEqual({ words: 'Pip words 0-0' });
    expect(usage).toEqual({ inputTokens: 100, outputTokens: 10 });
    expect(requests[0]).toEqual({
      model: 'eyes',
      messages: [
        { role: 'system', content: 'You greet.' },
        { role: 'user', content: 'Greet Pip.' },
      ],
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'answer',
          strict: true,
          schema: {
            type: 'object',
            required: ['words'],
            properties: { words: { type: 'string' } },
            additionalProperties: false,
          },
        },
      },
    });
  });

  it('shows pictures, made smaller', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'shown-'));
    const file = join(folder, 'a.png');
    writeFileAtomic(file, await encodePng(solidImage(64, 16, [200, 0, 0])));
    const { chat, requests } = await endpoint([], { pictureSide: 32 });
    await chat.ask({ ...asked, images: [file] });
    const [shown] = picturesOf(requests[0]!);
    const jpeg = Buffer.from(/^data:image\/jpeg;base64,(.+)$/.exec(shown!)![1]!, 'base64');
    const { default: sharp } = await import('sharp');
    expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 32, height: 8 });
    expect(wordsOf(requests[0]!)).toBe('Greet Pip.');
    rmSync(folder, { recursive: true });
  });

  it('asks again for an answer that cannot be used, and says what is wrong', async () => {
    const { chat, requests } = await endpoint([says('Hello!'), says('{"words": "Hi"}')], { answers: 4 });
    expect((await chat.ask(asked)).answer).toEqual({ words: 'Pip words 2-0' });
    const complaints = requests.map(wordsOf);
    expect(complaints[1]).toContain('expected JSON, found "Hello!"');
    expect(complaints[2]).toContain('/words must not have fewer than 3 characters');
    expect(requests[2]!.messages.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'assistant',
      'user',
      'assistant',
      'user',
    ]);
  });

  it('takes fenced JSON, and counts what every try cost', async () => {
    const { chat } = await endpoint([says('{"words": "nobody"}'), says('```json\n{"words": "Pip!"}\n```')]);
    expect(await chat.ask(asked)).toEqual({
      answer: { words: 'Pip!' },
      usage: { inputTokens: 200, outputTokens: 20 },
    });
  });

  it.each([
    [says('{"words": "Hi all"}'), '/words has to use the name Pip'],
    [says('{"words": "Pip', { finish_reason: 'length' }), 'the answer was cut off'],
    [says('', { message: { refusal: 'I will not.' } }), 'the model refuses: I will not.'],
  ])('gives up on answers that stay unusable', async (fault, message) => {
    const { chat, requests } = await endpoint([fault, fault, fault]);
    const failed = chat.ask(asked);
    await expect(failed).rejects.toBeInstanceOf(InvalidAnswerError);
    await expect(failed).rejects.toThrow(`greeting (eyes at ${chat.url}): no usable answer in 3 tries`);
    await expect(failed).rejects.toThrow(message);
    expect(requests).toHaveLength(3);
  });

  it('tries again after overload, faults and time-outs, and waits as long as it is asked to', async () => {
    const waits: [number, string][] = [];
    const { chat, requests } = await endpoint([status(429, { 'retry-after': '1' }), status(500), hangs], {
      timeoutMs: 200,
      onWait: (seconds, reason) => waits.push([seconds, reason]),
    });
    expect((await chat.ask(asked)).answer).toEqual({ words: 'Pip words 3-0' });
    expect(requests).toHaveLength(4);
    expect(waits.map(([, reason]) => reason)).toEqual([
      'status 429: no',
      'status 500: no',
      'no answer within 200 ms',
    ]);
    expect(waits[0]![0]).toBeGreaterThanOrEqual(1);
    expect(waits[1]![0]).toBeLessThan(0.1);
  });

  it('gives up when attempts are used up, or when it is to wait for too long', async () => {
    const down = await endpoint(
      Array.from({ length: 9 }, () => status(503)),
      { attempts: 3 },
    );
    await expect(down.chat.ask(asked)).rejects.toThrow(
      'no answer after 3 attempts; the last one: status 503: no',
    );
    const busy = await endpoint([status(429, { 'retry-after': '3600' })]);
    await expect(busy.chat.ask(asked)).rejects.toThrow(
      'no answer after 1 attempts; the last one: status 429',
    );
  });

  it.each([
    [401, 'status 401: no; check the key'],
    [404, 'status 404: no; check the base address and the model "eyes"'],
    [400, 'status 400: no'],
  ])('does not repeat what status %i refuses', async (code, message) => {
    const { chat, requests } = await endpoint([status(code)], { key: 'secret' });
    const refused = chat.ask(asked);
    await expect(refused).rejects.toThrow(`${chat.url}: ${message}`);
    await expect(refused).rejects.not.toThrow('secret');
    expect(requests).toHaveLength(1);
  });

  it('sends the schema in words to an endpoint that does not know structured output', async () => {
    const unknown = status(400, {}, '{"error": {"message": "unknown field response_format"}}');
    const plain = says('{"words": "Pip there"}');
    const { chat, requests } = await endpoint([unknown, plain, plain]);
    await chat.ask(asked);
    await chat.ask(asked);
    expect(requests.map(({ response_format }) => response_format !== undefined)).toEqual([
      true,
      false,
      false,
    ]);
    expect(requests[1]!.messages[0]!.content).toContain('"required":["words"]');
  });

  it('says that an answer is no chat completion', async () => {
    const page: Fault = (_, response) => {
      response.end('{"models": []}');
      return true;
    };
    const { chat } = await endpoint([page]);
    await expect(chat.ask(asked)).rejects.toThrow("expected a chat completion in OpenAI's shape");
    expect(() => new ChatEndpoint({ url: 'somewhere', model: 'm' })).toThrow(EndpointError);
  });

  it('stops waiting when it is told to', async () => {
    const stop = new AbortController();
    const { chat } = await endpoint([status(429, { 'retry-after': '2' })], {
      onWait: () => stop.abort(new Error('stopped')),
    });
    await expect(chat.ask(asked, stop.signal)).rejects.toThrow('stopped');
  });
});
