/** A local stand-in for a chat endpoint: answers by the schema that it is sent, and fails where a test wants it to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatRequest {
  model: string;
  messages: {
    role: string;
    content: string | { type: string; text?: string; image_url?: { url: string } }[];
  }[];
  response_format?: { json_schema: { schema: Schema } };
}

interface Schema {
  type?: string;
  enum?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
}

/** Treats the request itself and returns true, or leaves it to the stand-in. */
export type Fault = (
  request: ChatRequest,
  response: ServerResponse,
  headers: IncomingMessage['headers'],
) => boolean;

export interface StandIn {
  readonly url: string;
  readonly requests: ChatRequest[];
  /** Most requests that were in hand at the same time. */
  readonly busiest: () => number;
  close(): void;
}

export const status =
  (code: number, headers: Record<string, string> = {}, body = 'no'): Fault =>
  (_, response) => {
    response.writeHead(code, headers).end(body);
    return true;
  };

/** Says these words in place of an answer. */
export const says =
  (words: string, rest: object = {}): Fault =>
  (_, response) => {
    response.end(completion(words, rest));
    return true;
  };

export const hangs: Fault = () => true;

/** @param fault asked for every request by its number, from 0 */
export async function standIn(
  fault: (index: number, request: ChatRequest) => Fault | undefined = () => undefined,
): Promise<StandIn> {
  const requests: ChatRequest[] = [];
  let [now, most] = [0, 0];
  const server = createServer(async (incoming, response) => {
    most = Math.max(most, ++now);
    response.on('close', () => now--);
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const request = JSON.parse(body) as ChatRequest;
    const index = requests.push(request) - 1;
    if (incoming.url !== '/v1/chat/completions') return response.writeHead(404).end('no such address');
    if (fault(index, request)?.(request, response, incoming.headers)) return;
    // A turn of the event loop, so that requests can meet.
    await new Promise((resolve) => setTimeout(resolve, 2));
    response.end(completion(JSON.stringify(answerOf(request, index))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    busiest: () => most,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function completion(content: string, rest: object = {}): string {
  const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content }, ...rest }];
  return JSON.stringify({ choices, usage: { prompt_tokens: 100, completion_tokens: 10 } });
}

/** The words of the user, without pictures. */
export function wordsOf({ messages }: ChatRequest): string {
  const { content } = messages.findLast(({ role }) => role === 'user')!;
  return typeof content === 'string' ? content : content.map(({ text = '' }) => text).join('');
}

export const picturesOf = ({ messages }: ChatRequest): string[] =>
  messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.flatMap(({ image_url }) => image_url?.url ?? []),
  );

/** Made-up words that fit the schema; no two alike. Lists are as long as the numbers in the prompt say. */
function answerOf(request: ChatRequest, index: number): unknown {
  const counts = Object.fromEntries(
    [...wordsOf(request).matchAll(/(?:(\w+): |Write )(\d+) /g)].map(([, field, count]) => [
      field ?? 'any',
      Number(count),
    ]),
  );
  let words = 0;
  const make = (schema: Schema, field: string, depth: number): unknown => {
    if (schema.enum) return schema.enum[words++ % schema.enum.length];
    if (schema.type === 'number') return 0.5;
    if (schema.type === 'integer') return 3;
    if (schema.type === 'array') {
      const inner = field === 'wrong' ? 3 : 4;
      const length = depth === 1 ? (counts[field] ?? counts.any ?? 1) : inner;
      return Array.from({ length }, () => make(schema.items!, '', depth + 1));
    }
    if (schema.properties) {
      const entries = Object.entries(schema.properties);
      return Object.fromEntries(entries.map(([name, inner]) => [name, make(inner, name, depth + 1)]));
    }
    return `Pip ${field} ${index}-${words++}`;
  };
  const { schema } = request.response_format!.json_schema;
  return make(schema, '', 0);
}
