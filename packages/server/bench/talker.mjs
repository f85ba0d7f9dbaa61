import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import OpenAI from 'openai';

const SAYINGS = [
  'Good morning! What are you up to?',
  'What do you like best of all?',
  'Tell me about the place where you live.',
  'I have lost my hat near the bridge.',
  'Who is your oldest friend?',
  'What would you do with a free afternoon?',
];

/** Turns after which a talker begins a new conversation. */
const TURNS = 4;

/**
 * Somebody who talks as the page does: each turn is stored, answered word by word, and the answer is stored too. Remembers
 * what the server acknowledged.
 */
export class Talker {
  /** Turns that were answered: tokens, milliseconds to the first word and in all, time of the end. */
  answers = [];
  /** What went wrong with answers: status, code, message. */
  errors = [];
  /** Messages that the server acknowledged, by conversation. */
  kept = new Map();
  #asked = 0;
  #history = [];

  /**
   * @param number tells talkers apart
   * @param url the server's address, or a function that tells the present one
   */
  constructor(number, url, maxTokens) {
    this.number = number;
    this.url = typeof url === 'string' ? () => url : url;
    this.maxTokens = maxTokens;
  }

  /** Turns that were begun. */
  get asked() {
    return this.#asked;
  }

  async talkUntil(signal) {
    while (!signal.aborted) await this.turn();
  }

  /** Says one thing and hears the answer. What fails is noted; then it waits for a moment. */
  async turn() {
    const turn = this.#asked++;
    const user = SAYINGS[(3 * this.number + turn) % SAYINGS.length];
    try {
      if (turn % TURNS === 0 || this.conversation === undefined) await this.#begin();
      await this.#keep('user', user);
      const answer = await this.#hear(1000 * this.number + turn);
      // A model of random weights says what no database keeps.
      await this.#keep('assistant', answer.replaceAll('\0', ''));
    } catch (error) {
      this.errors.push(told(error));
      this.conversation = undefined;
      await pause(100);
    }
  }

  /** Compares what was acknowledged with what the server has. @returns messages compared and missing */
  async check() {
    let compared = 0;
    let missing = 0;
    for (const [id, messages] of this.kept) {
      const stored = await this.#request('GET', `/v1/conversations/${id}`);
      const there = new Map(stored.messages.map(({ id: message, content }) => [message, content]));
      compared += messages.length;
      missing += messages.filter(({ id: message, content }) => there.get(message) !== content).length;
    }
    return { compared, missing };
  }

  async #begin() {
    const { id } = await this.#request('POST', '/v1/conversations', {});
    this.conversation = id;
    this.#history = [];
    this.kept.set(id, []);
  }

  async #keep(role, content) {
    const message = { id: randomUUID(), role, content };
    await this.#request('POST', `/v1/conversations/${this.conversation}/messages`, message);
    this.kept.get(this.conversation).push(message);
    this.#history.push({ role, content });
  }

  /** Streams the answer to what was said so far. @throws Error when the stream ends without an end */
  async #hear(seed) {
    const client = new OpenAI({ baseURL: `${this.url()}/v1`, apiKey: 'none', maxRetries: 0 });
    const asked = performance.now();
    const stream = await client.chat.completions.create({
      model: '',
      messages: this.#history,
      seed,
      max_tokens: this.maxTokens,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let first;
    let finish;
    let usage;
    for await (const chunk of stream) {
      const [choice] = chunk.choices;
      if (choice?.delta.content) first ??= performance.now() - asked;
      text += choice?.delta.content ?? '';
      finish ??= choice?.finish_reason;
      usage = chunk.usage ?? usage;
    }
    if (!finish || !usage) throw new Error('the stream ended before the answer did');
    const ended = performance.now();
    this.answers.push({ tokens: usage.completion_tokens, first: first ?? ended - asked, ended });
    return text;
  }

  async #request(method, path, body) {
    const response = await fetch(`${this.url()}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`);
    return response.json();
  }
}

/** An error in short: its code in the API, else that of the system's call, else its class. */
function told(error) {
  let cause = error;
  while (cause && typeof cause.code !== 'string') cause = cause.cause;
  return { code: cause?.code ?? error.constructor.name, message: error.message };
}
