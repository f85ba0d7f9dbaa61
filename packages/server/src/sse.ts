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

  send(data: object): void {
    this.write(`data: ${JSON.stringify(data)}\n\n`);
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
