import { setTimeout as sleep } from 'node:timers/promises';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { postJson, RequestFailure } from '../http/post-json.js';
import { publicUrl } from '../http/public-url.js';
import { type Backoff, retryDelay } from '../http/retry-delay.js';
import { wireSchema } from './answer-schema.js';
import { EndpointError, InvalidAnswerError } from './endpoint-error.js';
import { parseAnswer } from './parse-answer.js';
import { problemsOf, type Question } from './question.js';
import { shownPicture } from './shown-picture.js';

export interface EndpointOptions {
  /** Base address of an API in OpenAI's shape, such as `https://host/v1`. */
  readonly url: string;
  readonly model: string;
  /** Sent as bearer token; never stored or shown. */
  readonly key?: string | undefined;
  /** Longest wait for one answer. Default 180 000. */
  readonly timeoutMs?: number;
  /** Attempts per request when the endpoint is unreachable, overloaded or faulty. Default 6. */
  readonly attempts?: number;
  /** Waits between attempts. Default 1 s, doubled each time, at most 60 s. */
  readonly backoff?: Backoff;
  /** How often an answer that cannot be used is asked for, in all. Default 3. */
  readonly answers?: number;
  /** Longest side of pictures that are sent, in pixels. Default 1024. */
  readonly pictureSide?: number;
  /** Told before a wait between attempts. */
  readonly onWait?: ((seconds: number, reason: string) => void) | undefined;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** An answer that fits its question, and what it cost. */
export interface Answered<Answer> {
  readonly answer: Answer;
  readonly usage: Usage;
}

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly object[];
}

const Completion = Type.Object({
  choices: Type.Array(
    Type.Object({
      finish_reason: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      message: Type.Object({
        content: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        refusal: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      }),
    }),
    { minItems: 1 },
  ),
  usage: Type.Optional(
    Type.Union([
      Type.Object({ prompt_tokens: Type.Number(), completion_tokens: Type.Number() }),
      Type.Null(),
    ]),
  ),
});

const DEFAULTS = {
  timeoutMs: 180_000,
  attempts: 6,
  backoff: { firstMs: 1000, longestMs: 60_000 },
  answers: 3,
  pictureSide: 1024,
} as const;

/**
 * A chat model behind an API in OpenAI's shape (`POST /chat/completions`) that answers questions, with pictures or without,
 * in JSON of a given shape. Structured output is asked for by JSON schema; an endpoint that does not know it gets the schema in
 * words. Every answer is checked here, and one that cannot be used is asked for again with what is wrong about it.
 */
export class ChatEndpoint {
  readonly model: string;
  /** The address without anything secret. */
  readonly url: string;
  readonly pictureSide: number;
  readonly #options: EndpointOptions & typeof DEFAULTS;
  #structured = true;

  /** @throws EndpointError for an address that is none */
  constructor(options: EndpointOptions) {
    this.#options = { ...DEFAULTS, ...options } as EndpointOptions & typeof DEFAULTS;
    this.model = options.model;
    this.pictureSide = this.#options.pictureSide;
    const url = publicUrl(options.url);
    if (url === undefined) {
      throw new EndpointError(`expected an http or https address of the endpoint, found "${options.url}"`);
    }
    this.url = url.replace(/\/$/, '');
  }

  /**
   * Asks until an answer can be used.
   * @throws EndpointError when the endpoint refuses or does not answer, InvalidAnswerError when no answer could be used; the
   *   reason of the signal when that is aborted
   */
  async ask<Answer>(question: Question<Answer>, signal?: AbortSignal): Promise<Answered<Answer>> {
    const { answers } = this.#options;
    const messages = await this.#opening(question);
    let usage: Usage = { inputTokens: 0, outputTokens: 0 };
    let problems: readonly string[] = [];
    for (let asked = 0; asked < answers; asked++) {
      const { words, fault, ...cost } = await this.#complete(messages, question, signal);
      usage = added(usage, cost);
      const parsed = fault === undefined ? read(question, words) : { problems: [fault] };
      if ('answer' in parsed) return { answer: parsed.answer, usage };
      problems = parsed.problems;
      messages.push({ role: 'assistant', content: words }, { role: 'user', content: complaint(problems) });
    }
    const where = `${question.id} (${this.model} at ${this.url})`;
    throw new InvalidAnswerError(
      `${where}: no usable answer in ${answers} tries; the last one: ${problems.join('; ')}`,
    );
  }

  async #opening({ system, text, images }: Question): Promise<Message[]> {
    const pictures = await Promise.all(images.map((path) => shownPicture(path, this.pictureSide)));
    const parts = pictures.map((url) => ({ type: 'image_url', image_url: { url } }));
    return [
      { role: 'system', content: system },
      { role: 'user', content: parts.length === 0 ? text : [...parts, { type: 'text', text }] },
    ];
  }

  /** One completion: its words, what is wrong with it as a whole, and what it cost. */
  async #complete(messages: readonly Message[], question: Question, signal?: AbortSignal) {
    const answer = await this.#post(messages, question, signal);
    if (!Value.Check(Completion, answer)) {
      const [error] = Value.Errors(Completion, answer);
      const found = `${error?.instancePath || 'the response'} ${error?.message}`;
      throw new EndpointError(
        `${this.url}: expected a chat completion in OpenAI's shape; ${found}. Check the base address (often it ends in /v1)`,
      );
    }
    const { message, finish_reason } = answer.choices[0]!;
    const { prompt_tokens = 0, completion_tokens = 0 } = answer.usage ?? {};
    const fault =
      typeof message.refusal === 'string'
        ? `the model refuses: ${message.refusal}`
        : finish_reason === 'length'
          ? 'the answer was cut off; keep it shorter'
          : undefined;
    return {
      words: message.content ?? '',
      fault,
      inputTokens: prompt_tokens,
      outputTokens: completion_tokens,
    };
  }

  /** Posts until an answer comes or the attempts are used up. */
  async #post(messages: readonly Message[], question: Question, signal?: AbortSignal): Promise<unknown> {
    const { attempts, backoff, onWait } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const structured = this.#structured;
      try {
        return await this.#postOnce(messages, question, structured, signal);
      } catch (error) {
        if (!(error instanceof RequestFailure)) throw error;
        if (structured && lacksSchemas(error)) {
          // Not the fault of the endpoint's day: the request without a schema is another one, with all its attempts.
          this.#structured = false;
          attempt = 0;
          continue;
        }
        if (!error.temporary) throw this.#refused(error);
        const delay = attempt < attempts ? retryDelay(attempt, backoff, error.retryAfterMs) : null;
        if (delay === null) {
          const last = `${this.url}: no answer after ${attempt} attempts; the last one: ${error.message}`;
          throw new EndpointError(last, { cause: error });
        }
        onWait?.(delay / 1000, error.message);
        await sleep(delay, undefined, { ...(signal ? { signal } : {}) }).catch((cause: unknown) => {
          signal?.throwIfAborted();
          throw cause;
        });
      }
    }
  }

  #postOnce(
    messages: readonly Message[],
    question: Question,
    structured: boolean,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { url, model, key, timeoutMs } = this.#options;
    const json_schema = { name: 'answer', strict: true, schema: wireSchema(question.schema) };
    const body = structured
      ? { model, messages, response_format: { type: 'json_schema', json_schema } }
      : { model, messages: inWords(messages, question) };
    const address = new URL(url);
    address.pathname = `${address.pathname.replace(/\/$/, '')}/chat/completions`;
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return postJson(address.href, JSON.stringify(body), { timeoutMs, headers, signal });
  }

  #refused(error: RequestFailure): EndpointError {
    const advice =
      error.status === 401 || error.status === 403
        ? '; check the key'
        : error.status === 404
          ? `; check the base address and the model "${this.model}"`
          : '';
    return new EndpointError(`${this.url}: ${error.message}${advice}`, { cause: error });
  }
}

/** Endpoints that do not know structured output say so in many ways, but name the field. */
function lacksSchemas({ status, message }: RequestFailure): boolean {
  return (status === 400 || status === 422 || status === 501) && /response_format|json_schema/i.test(message);
}

/** The same messages with the shape of the answer in words. */
function inWords([first, ...rest]: readonly Message[], { schema }: Question): Message[] {
  const shape = JSON.stringify(wireSchema(schema));
  const rule = `Answer with one JSON object and nothing else. It has to fit this JSON schema:\n${shape}`;
  return [{ role: 'system', content: `${first!.content}\n\n${rule}` }, ...rest];
}

function read<Answer>(question: Question<Answer>, words: string) {
  let answer: unknown;
  try {
    answer = parseAnswer(words);
  } catch {
    return { problems: [`expected JSON, found ${JSON.stringify(words.slice(0, 80))}`] };
  }
  const problems = problemsOf(question, answer);
  return problems.length > 0 ? { problems } : { answer: answer as Answer };
}

const complaint = (problems: readonly string[]): string =>
  `This answer cannot be used: ${problems.join('; ')}. Give the whole answer again, corrected, as one JSON object.`;

const added = (a: Usage, b: Usage): Usage => ({
  inputTokens: a.inputTokens + b.inputTokens,
  outputTokens: a.outputTokens + b.outputTokens,
});
