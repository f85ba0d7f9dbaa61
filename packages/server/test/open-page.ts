import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import { listen } from '../src/listen.js';
import type { App } from '../src/routes/app.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface OpenPage {
  readonly page: Page;
  readonly address: string;
  /** Another browser, which shares nothing with the first. */
  another(): Promise<Page>;
  /** Closes the server too. @throws when a script of the page failed */
  close(): Promise<void>;
}

/** The page of a server in a browser of its own. */
export async function openPage(browser: Browser, app: App, hash = ''): Promise<OpenPage> {
  const address = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false });
  const contexts: BrowserContext[] = [];
  const failures: string[] = [];
  const another = async () => {
    const context = await browser.newContext({ reducedMotion: 'reduce' });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => failures.push(error.message));
    await page.goto(`${address}/${hash}`);
    return page;
  };
  return {
    page: await another(),
    address,
    another,
    async close() {
      for (const context of contexts) await context.close();
      await app.close();
      expect(failures).toEqual([]);
    },
  };
}

/** What axe finds, and what is wider than the screen. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const violations = (await page.evaluate(
    `axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
  )) as string[];
  const overflow = (await page.evaluate(
    'document.documentElement.scrollWidth - window.innerWidth',
  )) as number;
  return overflow > 0 ? [...violations, `${overflow} pixels too wide`] : violations;
}
