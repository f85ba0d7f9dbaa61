import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildServer, type ServerOptions } from '../src/build-server.js';
import type { ServedCharacter } from '../src/character-shelf.js';
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
  return app;
}
