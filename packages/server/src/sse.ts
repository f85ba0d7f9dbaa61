import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Writes server-sent events in OpenAI's way: `data:` lines with JSON, and `[DONE]` at the end. */
export class EventStream {
  constructor(private readonly response: ServerResponse) {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      connection: 'keep-alive',
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
  }

  /** @param id with which a client that lost the line asks for what comes after */
  send(data: object, id?: string): void {
    this.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Waits until the client has taken what was sent, or the signal says that it left. */
  async drained(signal: AbortSignal): Promise<void> {
    if (!this.response.writableNeedDrain || signal.aborted) return;
    await once(this.response, 'drain', { signal }).catch(() => {});
  }

  /** A comment that keeps proxies from closing the line while nothing else is sent. */
  ping(): void {
    this.write(': ping\n\n');
  }

  done(): void {
    this.write('data: [DONE]\n\n');
    this.response.end();
  }

  /** Ends after an error event; there is no `[DONE]`, so a client cannot take it for a whole answer. */
  end(): void {
    this.response.end();
  }

  private write(text: string): void {
    if (!this.response.destroyed) this.response.write(text);
  }
}
