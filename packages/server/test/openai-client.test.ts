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
