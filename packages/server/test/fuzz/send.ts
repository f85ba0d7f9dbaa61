import { type Agent, request } from 'node:http';
import type { WireRequest } from './requests.js';

export interface Received {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
}

/** Milliseconds after which an answer counts as none. */
const PATIENCE = 30_000;
/** Milliseconds of an endless stream that are listened to. */
const LISTEN = 50;

/**
 * Sends a request over one of the agent's sockets.
 * @returns undefined when the client left, as the request says
 * @throws Error when no answer comes, or the line breaks without one
 */
export function send(base: string, wire: WireRequest, agent: Agent): Promise<Received | undefined> {
  const { hostname, port } = new URL(base);
  const { method, target: path, body, leavesAfter } = wire;
  const headers = { ...wire.headers, ...(body ? { 'content-length': String(body.length) } : {}) };
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent, timeout: PATIENCE }, (response) => {
      const chunks: Buffer[] = [];
      const { 'content-type': contentType } = response.headers;
      const done = () => {
        clearTimeout(enough);
        resolve({
          status: response.statusCode ?? 0,
          contentType,
          body: whole(contentType, Buffer.concat(chunks)),
        });
      };
      const endless = contentType?.startsWith('text/event-stream') && path.includes('/events');
      const leave = (): void => {
        done();
        response.destroy();
      };
      const enough = endless ? setTimeout(leave, LISTEN) : undefined;
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', done)
        .on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer after ${PATIENCE / 1000} s`)));
    sent.on('error', (error: NodeJS.ErrnoException) => {
      if (leavesAfter === undefined) reject(error);
    });
    if (leavesAfter === undefined) sent.end(body);
    else {
      sent.on('close', () => resolve(undefined));
      sent.flushHeaders();
      if (body) sent.write(body.subarray(0, leavesAfter));
      setTimeout(() => sent.destroy(), 5);
    }
  });
}

/** Whole events only of a stream that was left. */
function whole(contentType: string | undefined, bytes: Buffer): string {
  const text = bytes.toString();
  return contentType?.startsWith('text/event-stream') ? text.slice(0, text.lastIndexOf('\n\n') + 1) : text;
}
