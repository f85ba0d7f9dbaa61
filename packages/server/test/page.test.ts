/** The page in a real browser, as people use it. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../src/listen.js';
import type { App } from '../src/routes/app.js';
import { chromiumPath, launchChromium } from './browser.js';
import { FakeEngine } from './fake-engine.js';
import { fakeCharacter, serveAll } from './serve-fake.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe.skipIf(chromiumPath === undefined)('the page in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let app: App;
  let engine: FakeEngine;
  let address: string;
  const problems: string[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    engine = new FakeEngine(['Purr', ', ', 'hello', '!']);
    app = await serveAll([fakeCharacter(engine, 'Mimi Moss'), fakeCharacter(new FakeEngine(), 'Bo')]);
    address = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: false });
    page = await (await browser.newContext()).newPage();
    problems.length = 0;
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(address);
    return async () => {
      await page.context().close();
      await app.close();
      expect(problems).toEqual([]);
    };
  });

  const say = async (words: string) => {
    await page.getByRole('textbox', { name: /Say something to/ }).fill(words);
    await page.keyboard.press('Enter');
  };
  const openChat = () => page.getByRole('link', { name: 'Talk to Mimi Moss' }).click();
  const bubbles = () => page.getByRole('article').allInnerTexts();
  const idle = () => page.getByRole('button', { name: 'Send' }).waitFor();

  it('shows the characters and lets one talk', async () => {
    await page.getByRole('link', { name: 'Talk to Mimi Moss' }).waitFor();
    expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual(['Mimi Moss', 'Bo']);
    await openChat();
    await say('Hi there');
    await idle();
    expect((await bubbles()).map((text) => text.split('\n')[0])).toEqual([
      'Welcome, I am Mimi Moss.',
      'Hi there',
      'Purr, hello!',
    ]);
    expect(engine.calls[0]).toMatchObject({
      method: 'reply',
      request: { user: 'Hi there', history: [{ role: 'assistant', text: 'Welcome, I am Mimi Moss.' }] },
    });
  });

  it('draws in the flow of the conversation', async () => {
    await openChat();
    await page.getByRole('checkbox', { name: 'with a picture' }).check();
    await say('Show yourself');
    const picture = page.getByRole('img', { name: /Drawn by Mimi Moss/ });
    await picture.waitFor();
    expect(
      await picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
    ).toBe(4);
  });

  it('answers again, goes back to the first answer, and keeps everything over a reload', async () => {
    await openChat();
    await say('Hi');
    await idle();
    await page.getByRole('button', { name: 'Answer again' }).click();
    await page.getByText('2 of 2').waitFor();
    await page.getByRole('button', { name: 'Previous answer' }).click();
    await page.getByText('1 of 2').waitFor();
    await page.reload();
    await page.getByText('1 of 2').waitFor();
  });

  it('begins another conversation when something said is edited', async () => {
    await openChat();
    await say('First');
    await idle();
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Your words' }).fill('Second');
    await page.getByRole('button', { name: 'Say this instead' }).click();
    await page.getByRole('button', { name: 'First', exact: true }).waitFor();
    expect((await bubbles())[1]).toContain('Second');
    await page.getByRole('button', { name: 'Delete the conversation “First”' }).click();
    await page.getByRole('button', { name: 'First', exact: true }).waitFor({ state: 'detached' });
  });

  it('stops an answer and keeps what was said', async () => {
    let words = 0;
    let stopped = () => {};
    engine.beforeStep = () =>
      ++words <= 1
        ? undefined
        : new Promise((resolve) => {
            stopped = resolve;
          });
    await openChat();
    await say('Hi');
    await page.getByRole('article', { name: 'Mimi Moss is answering' }).getByText('Purr').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await idle();
    expect((await bubbles()).at(-1)).toContain('Purr');
    stopped();
    await expect.poll(() => engine.aborted).toBe(1);
  });

  it('says what went wrong and tries again', async () => {
    engine.beforeStep = () => {
      throw new Error('no luck');
    };
    await openChat();
    await say('Hi');
    await page.getByRole('alert').getByText('The server failed').waitFor();
    engine.beforeStep = () => {};
    await page.getByRole('button', { name: 'Try again' }).click();
    await idle();
    expect((await bubbles()).at(-1)).toContain('Purr, hello!');
  });

  it('draws from a description', async () => {
    await page.getByRole('link', { name: 'Draw Mimi Moss' }).click();
    await page.getByRole('textbox', { name: 'What should the picture show?' }).fill('Mimi at sea');
    await page.getByRole('spinbutton', { name: 'Seed' }).fill('5');
    await page.getByRole('button', { name: 'Draw' }).click();
    await page.getByText('seed 6').waitFor();
    expect(await page.getByRole('img', { name: 'Mimi at sea' }).count()).toBe(2);
  });

  it.each([
    ['gallery', '', { width: 1280, height: 800 }],
    ['chat', '#/chat/unicharacter/mimi-moss', { width: 1280, height: 800 }],
    ['drawing', '#/imagine/unicharacter/mimi-moss', { width: 1280, height: 800 }],
    ['chat on a phone', '#/chat/unicharacter/mimi-moss', { width: 390, height: 844 }],
  ])('%s: no barrier that axe finds, nothing wider than the screen', async (_, hash, viewport) => {
    await page.setViewportSize(viewport);
    await page.goto(`${address}/${hash}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.evaluate(AXE);
    const violations = (await page.evaluate(
      `axe.run().then(({ violations }) => violations.map(({ id }) => id))`,
    )) as string[];
    expect(violations).toEqual([]);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
  });
});

describe.skipIf(chromiumPath === undefined)('a page that needs a key', () => {
  it('asks for it and goes on', async () => {
    const app = await serveAll([fakeCharacter(new FakeEngine())], { apiKeys: ['secret'] });
    const address = await listen(app, { host: '127.0.0.1', port: 0, hasKeys: true });
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(address);
      await page.getByLabel('API key').fill('secret');
      await page.getByRole('button', { name: 'Open' }).click();
      await page.getByRole('heading', { name: 'Mimi Moss' }).waitFor();
    } finally {
      await browser.close();
      await app.close();
    }
  });
});
