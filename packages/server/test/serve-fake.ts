import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildServer, type ServerOptions } from '../src/build-server.js';
import type { ServedCharacter } from '../src/character-shelf.js';
import type { App } from '../src/routes/app.js';
import { AnswerCheck, documentedPath, type OpenApiDocument } from './answer-check.js';
import type { FakeEngine } from './fake-engine.js';

/** A character on the shelf with a scripted engine. */
export function fakeCharacter(engine: FakeEngine, name = 'Mimi Moss'): ServedCharacter {
  return {
    name,
    description: `${name} is a small mossy cat who collects buttons.`,
    opening: `Welcome, I am ${name}.`,
    open: async () => engine,
  };
}

/** A server with one scripted character whose pictures go to a folder that is removed with it. */
export async function serveFake(engine: FakeEngine, options: Partial<ServerOptions> = {}) {
  return serveAll([fakeCharacter(engine)], options);
}

export async function serveAll(characters: readonly ServedCharacter[], options: Partial<ServerOptions> = {}) {
  const pictures = mkdtempSync(join(tmpdir(), 'unicharacter-server-'));
  const app = await buildServer(characters, { pictures, ...options });
  app.addHook('onClose', async () => rmSync(pictures, { recursive: true }));
  checkAnswers(app);
  return app;
}

/** Makes an answer that is not as the OpenAPI document declares it a failure of the server. */
export function checkAnswers(app: Pick<App, 'addHook' | 'swagger'>): void {
  let check: AnswerCheck | undefined;
  app.addHook('onSend', async (request, reply, payload) => {
    const { url, schema } = request.routeOptions;
    // Failures inside are what tests provoke; the fuzz allows none.
    if (reply.statusCode === 500) return payload;
    if (url === undefined || !schema?.response || request.method === 'HEAD') return payload;
    check ??= new AnswerCheck(app.swagger() as unknown as OpenApiDocument);
    const problem = check.problem({
      method: request.method,
      path: documentedPath(url),
      status: reply.statusCode,
      contentType: reply.getHeader('content-type') as string | undefined,
      body: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload.toString() : '',
    });
    if (problem) throw new Error(`${request.method} ${url} answered ${reply.statusCode}: ${problem}`);
    return payload;
  });
}
