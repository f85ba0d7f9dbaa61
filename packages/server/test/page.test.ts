/** The page in a real browser, as people use it. */

import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../src/listen.js';
import { chromiumPath, launchChromium } from './browser.js';
import { FakeEngine } from './fake-engine.js';
import { barriers, type OpenPage, openPage } from './open-page.js';
import { fakeCharacter, serveAll } from './serve-fake.js';

describe.skipIf(chromiumPath === undefined)('the page in Chromium', () => {
  let browser: Browser;
  let page: Page;
  let opened: OpenPage;
  let engine: FakeEngine;

  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    engine = new FakeEngine(['Purr', ', ', 'hello', '!']);
    const bo = fakeCharacter(new FakeEngine(), 'Bo');
    opened = await openPage(browser, await serveAll([fakeCharacter(engine, 'Mimi Moss'), bo]));
    page = opened.page;
    return () => opened.close();
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
    ['gallery on a phone', '', { width: 390, height: 844 }],
  ])('%s: no barrier that axe finds, nothing wider than the screen', async (_, hash, viewport) => {
    await page.setViewportSize(viewport);
    await page.goto(`${opened.address}/${hash}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await barriers(page)).toEqual([]);
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
