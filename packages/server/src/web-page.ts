import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { App } from './routes/app.js';

/** Where `vite build` puts the page. */
const PAGE = fileURLToPath(new URL('../dist/web/', import.meta.url));

/** Serves the web page at `/`. @throws Error when the page has not been built */
export async function webPage(app: App): Promise<void> {
  if (!existsSync(PAGE)) {
    throw new Error(`${PAGE}: expected the built web page, found nothing; run "npx nx run server:build"`);
  }
  await app.register(fastifyStatic, { root: PAGE, prefix: '/', decorateReply: false, wildcard: false });
}
