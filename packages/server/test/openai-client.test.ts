/** The official client, unmodified, against a listening server. */
import { encodePng, solidImage } from '@unicharacter/core';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen } from '../src/listen.js';
import type { App } from '../src/routes/app.js';
import { FakeEngine } from './fake-engine.js';
import { serveFake } from './serve-fake.js';

const MODEL = 'unicharacter/mimi-moss';
const messages = [{ role: 'user' as const, content: 'Hi' }];

describe('the openai package', () => {
  const engine = new FakeEngine();
  let app: App;
  let client: OpenAI;
  let address: string;
  beforeAll(async () => {
    app = await serveFake(engine, { apiKeys: ['secret'] });
    address = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: true });
    client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'secret', maxRetries: 0 });
  });
  afterAll(() => app.close());

  it('lists the characters', async () => {
    const ids: string[] = [];
    for await (const { id } of await client.models.list()) ids.push(id);
    expect(ids).toEqual([MODEL]);
  });

  it('chats', async () => {
    const { choices, usage } = await client.chat.completions.create({ model: MODEL, messages });
    expect(choices[0]!.message.content).toBe('Hello there!');
    expect(usage!.total_tokens).toBe(10);
  });

  it('streams', async () => {
    const stream = await client.chat.completions.create({
      model: MODEL,
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let tokens = 0;
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? '';
      tokens = usage?.completion_tokens ?? tokens;
    }
    expect([text, tokens]).toEqual(['Hello there!', 3]);
  });

  describe('tells how likely tokens were', () => {
    const hello = {
      token: 'Hello',
      logprob: -1,
      bytes: [72, 101, 108, 108, 111],
      top_logprobs: [
        { token: 'Hello', logprob: -1, bytes: [72, 101, 108, 108, 111] },
        { token: '\\xe2\\x81', logprob: -2, bytes: [0xe2, 0x81] },
      ],
    };
    const asking = { model: MODEL, messages, logprobs: true, top_logprobs: 2 };

    it('of a chat, whole and streamed', async () => {
      const { choices } = await client.chat.completions.create(asking);
      const { content } = choices[0]!.logprobs!;
      expect(content![0]).toEqual(hello);
      expect(content!.map(({ token }) => token).join('')).toBe(choices[0]!.message.content);
      const streamed: unknown[] = [];
      for await (const chunk of await client.chat.completions.create({ ...asking, stream: true })) {
        const [choice] = chunk.choices;
        const told = choice!.logprobs?.content ?? [];
        expect(told.map(({ token }) => token).join('')).toBe(choice!.delta.content ?? '');
        streamed.push(...told);
      }
      expect(streamed).toEqual(content);
    });

    it('of the old form, whole and streamed', async () => {
      const old = { model: MODEL, prompt: 'Hi', logprobs: 1 };
      const { choices } = await client.completions.create(old);
      expect(choices[0]!.logprobs).toEqual({
        tokens: ['Hello', ' there', '!'],
        token_logprobs: [-1, -2, -3],
        top_logprobs: [{ Hello: -1 }, { ' there': -2 }, { '!': -3 }],
        text_offset: [0, 5, 11],
      });
      let text = '';
      const offsets: number[] = [];
      let finish: string | null = null;
      for await (const chunk of await client.completions.create({ ...old, stream: true })) {
        const [choice] = chunk.choices;
        text += choice!.text;
        offsets.push(...(choice!.logprobs?.text_offset ?? []));
        finish = choice!.finish_reason;
      }
      expect([text, offsets, finish]).toEqual(['Hello there!', [0, 5, 11], 'stop']);
    });

    it('but not of what a stop sequence took away, and only when asked', async () => {
      const { choices } = await client.chat.completions.create({ ...asking, stop: 'ere' });
      expect(choices[0]!.logprobs!.content!.map(({ token }) => token)).toEqual(['Hello', ' there']);
      const silent = await client.chat.completions.create({ model: MODEL, messages });
      expect(silent.choices[0]!.logprobs).toBeNull();
      expect(engine.calls.at(-1)!.request).not.toHaveProperty('logprobs');
      const wrong = client.chat.completions.create({ model: MODEL, messages, top_logprobs: 2 });
      await expect(wrong).rejects.toMatchObject({ status: 400, param: 'top_logprobs' });
    });
  });

  it('shows a picture', async () => {
    const png = await encodePng(solidImage(3, 3));
    const url = `data:image/png;base64,${png.toString('base64')}`;
    await client.chat.completions.create({
      model: MODEL,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    });
    expect(engine.calls.at(-1)).toMatchObject({ method: 'ask', request: { question: 'What is this?' } });
  });

  it('draws', async () => {
    const { data } = await client.images.generate({ model: MODEL, prompt: 'Mimi', n: 2, size: '256x256' });
    expect(data).toHaveLength(2);
    expect(data![0]!.b64_json).toMatch(/^iVBOR/);
  });

  it('turns errors into its own exceptions', async () => {
    await expect(client.chat.completions.create({ model: 'nobody', messages })).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    await expect(client.chat.completions.create({ model: MODEL, messages: [] })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
    const stranger = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'guess', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });
});
