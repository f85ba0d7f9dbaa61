/** The server's API as the page uses it. */
import { readEvents } from './event-stream.js';

export interface Character {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly opening: string;
  /** Address of a picture, or null. */
  readonly portrait: string | null;
}

/** What one side of a conversation says. */
export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** The server's own words about what went wrong; `status` 401 means that it wants a key. */
export class RequestError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const KEY = 'unicharacter.api-key';

export function apiKey(): string {
  return localStorage.getItem(KEY) ?? '';
}

export function setApiKey(key: string): void {
  localStorage.setItem(KEY, key);
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const key = apiKey();
  const headers = new Headers(init.headers);
  if (key !== '') headers.set('authorization', `Bearer ${key}`);
  const response = await fetch(path, { ...init, headers });
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
  throw new RequestError(body?.error?.message ?? `The server answered ${response.status}.`, response.status);
}

function post(path: string, body: object, signal?: AbortSignal): Promise<Response> {
  return request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

export async function fetchCharacters(): Promise<Character[]> {
  const { data } = (await (await request('/v1/characters')).json()) as { data: Character[] };
  return data;
}

/** A picture behind the API key, as an address for an `img` element. */
export async function fetchPicture(path: string): Promise<string> {
  return URL.createObjectURL(await (await request(path)).blob());
}

interface Chunk {
  choices?: { delta?: { content?: string; images?: { image_url: { url: string } }[] } }[];
  error?: { message: string };
}

/** Lets the character answer; `onText` gets the words as they come. Answers the picture as a data address, if any. */
export async function streamReply(
  model: string,
  messages: readonly Message[],
  withPicture: boolean,
  onText: (piece: string) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const modalities = withPicture ? ['text', 'image'] : ['text'];
  const response = await post('/v1/chat/completions', { model, messages, modalities, stream: true }, signal);
  let picture: string | undefined;
  for await (const data of readEvents(response)) {
    const { choices, error } = JSON.parse(data) as Chunk;
    if (error) throw new RequestError(error.message, 500);
    const delta = choices?.[0]?.delta;
    if (delta?.content) onText(delta.content);
    picture = delta?.images?.[0]?.image_url.url ?? picture;
  }
  return picture;
}

export interface Drawing {
  /** PNG as a data address. */
  readonly picture: string;
  readonly seed: number;
}

export interface DrawingWish {
  readonly prompt: string;
  readonly count: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly guidance?: number;
}

export async function draw(model: string, wish: DrawingWish, signal: AbortSignal): Promise<Drawing[]> {
  const { prompt, count, seed, steps, guidance } = wish;
  const body = {
    model,
    prompt,
    n: count,
    ...(seed === undefined ? {} : { seed }),
    ...(steps === undefined ? {} : { num_inference_steps: steps }),
    ...(guidance === undefined ? {} : { guidance_scale: guidance }),
  };
  const response = await post('/v1/images/generations', body, signal);
  const { data } = (await response.json()) as { data: { b64_json: string; seed: number }[] };
  return data.map(({ b64_json, seed: used }) => ({
    picture: `data:image/png;base64,${b64_json}`,
    seed: used,
  }));
}
