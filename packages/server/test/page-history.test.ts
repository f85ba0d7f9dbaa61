/** Conversations of the page in a real browser: kept by the server, or by the browser where the server keeps none. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng, solidImage } from '@unicharacter/core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { App } from '../src/routes/app.js';
import { openState, type State } from '../src/state/state.js';
import { chromiumPath, launchChromium } from './browser.js';
import { FakeEngine } from './fake-engine.js';
import { barriers, type OpenPage, openPage } from './open-page.js';
import { fakeCharacter, serveAll } from './serve-fake.js';

const MIMI = '#/chat/unicharacter/mimi-moss';

describe.skipIf(chromiumPath === undefined)('conversations on the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unicharacter-history-'));
  const bluePicture = join(folder, 'blue.png');
  let browser: Browser;
  let state: State;
  let app: App;
  let engine: FakeEngine;
  let opened: OpenPage;
  let page: Page;

  beforeAll(async () => {
    state = await openState({});
    browser = await launchChromium();
    writeFileSync(bluePicture, await encodePng(solidImage(40, 30, [20, 40, 200])));
  });
  afterAll(async () => {
    await browser?.close();
    await state?.close();
    rmSync(folder, { recursive: true });
  });

  async function open(options: object): Promise<void> {
    engine = new FakeEngine(['Purr', ', ', 'hello', '!']);
    app = await serveAll([fakeCharacter(engine, 'Mimi Moss')], options);
    opened = await openPage(browser, app, MIMI);
    page = opened.page;
  }
  const say = async (words: string, on = page) => {
    await on.getByRole('textbox', { name: /Say something to/ }).fill(words);
    await on.keyboard.press('Enter');
    await idle(on);
  };
  const idle = (on = page) => on.getByRole('button', { name: 'Send' }).waitFor();
  const bubbles = async (on = page) =>
    (await on.getByRole('article').locator('> p').allInnerTexts()).map((text) => text.trim());
  const entry = (title: string, on = page) =>
    on.getByRole('complementary').getByRole('button', { name: title, exact: true });
  const button = (name: string) => page.getByRole('button', { name, exact: true });

  describe('kept by the server', () => {
    beforeEach(async () => {
      for (const { id } of await state.conversations.list('operator', undefined, 100)) {
        await state.conversations.remove('operator', id);
      }
      await open({ state });
      return () => opened.close();
    });

    it('are the same after a reload and in another browser', async () => {
      await say('Hi');
      await button('Answer again').click();
      await page.getByText('2 of 2').waitFor();
      await button('Previous answer').click();
      await page.getByText('1 of 2').waitFor();
      await page.reload();
      await page.getByText('1 of 2').waitFor();
      const other = await opened.another();
      await other.getByText('1 of 2').waitFor();
      expect(await bubbles(other)).toEqual(['Welcome, I am Mimi Moss.', 'Hi', 'Purr, hello!']);
      await say('Still there?', other);
      await page.reload();
      await page.getByText('Still there?').waitFor();
      expect(engine.calls.at(-1)).toMatchObject({
        request: { user: 'Still there?', history: { length: 3 } },
      });
    });

    it('branch when something said is edited, and go back to the first branch as it was', async () => {
      await say('First');
      await say('And then?');
      await page.getByRole('article', { name: 'You' }).first().getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('textbox', { name: 'Your words' }).fill('Second');
      await button('Say this instead').click();
      await page.getByText('2 of 2').waitFor();
      await idle();
      expect(await bubbles()).toEqual(['Welcome, I am Mimi Moss.', 'Second', 'Purr, hello!']);
      await button('Previous version').click();
      await page.getByText('And then?').waitFor();
      expect(await bubbles()).toHaveLength(5);
    });

    it('let the character go on from its last words', async () => {
      await say('Hi');
      await button('Go on').click();
      await page.getByText('2 of 2').waitFor();
      expect(engine.calls.at(-1)).toMatchObject({ request: { begin: 'Purr, hello!' } });
      expect((await bubbles()).at(-1)).toBe('Purr, hello!Purr, hello!');
    });

    it('get a name, are opened, and are deleted after a question', async () => {
      await say('First');
      await button('Rename “First”').click();
      await page.getByRole('textbox', { name: 'Name of the conversation' }).fill('The lake');
      await page.keyboard.press('Enter');
      await entry('The lake').waitFor();
      await button('New conversation').click();
      await say('Other words');
      await entry('Other words').waitFor();
      await entry('The lake').click();
      await page.getByText('First', { exact: true }).waitFor();
      expect(await barriers(page)).toEqual([]);
      await button('Delete “The lake”').click();
      await button('Keep').click();
      await button('Delete “The lake”').click();
      await button('Delete').click();
      await entry('The lake').waitFor({ state: 'detached' });
      const left = await state.conversations.list('operator', undefined, 10);
      expect(left.map(({ title }) => title)).toEqual(['Other words']);
    });

    it('keep the pictures of both sides', async () => {
      await page.getByLabel('Show a picture').setInputFiles(bluePicture);
      await page.getByRole('img', { name: 'What you show' }).waitFor();
      await say('What is this?');
      const [asked] = engine.calls;
      expect(asked).toMatchObject({ method: 'ask', request: { image: { width: 40, height: 30 } } });
      await page.getByRole('checkbox', { name: 'with a picture' }).check();
      await say('Show yourself');
      await page.reload();
      for (const name of ['The picture you showed', /Drawn by Mimi Moss/]) {
        await page.getByRole('img', { name }).waitFor();
      }
      expect(engine.calls.at(-1)).toMatchObject({ method: 'rolePlay' });
    });

    it('store what was said while the database was away', async () => {
      await page.route('**/v1/conversations', (route) => route.abort(), { times: 2 });
      await say('Do not forget me');
      await page.getByRole('alert').getByText('not stored yet').waitFor();
      expect(await bubbles()).toContain('Purr, hello!');
      await button('Store again').click();
      await entry('Do not forget me').waitFor();
      await page.reload();
      await page.getByText('Purr, hello!').waitFor();
    });
  });

  it('stay in the browser, and the page says so, where the server keeps none', async () => {
    await open({});
    await page.getByText('conversations stay in this browser only').waitFor();
    await say('Hi');
    await entry('Hi').waitFor();
    await page.reload();
    await page.getByText('Purr, hello!').waitFor();
    await button('Delete “Hi”').click();
    await button('Delete').click();
    await entry('Hi').waitFor({ state: 'detached' });
    await opened.close();
  });
});
