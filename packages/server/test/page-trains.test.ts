/** The page and the server that trains, together: a character of one's own, from its pictures to its first words. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { characterFolder, tinyWorld } from '../../core/test/train/tiny-run.js';
import { buildServer, EngineProcess, openState, type State } from '../dist/index.js';
import { chromiumPath, launchChromium } from './browser.js';
import { barriers, openPage } from './open-page.js';
import { TINY_CONFIG, trainingOptions } from './train-tiny.js';

describe.skipIf(chromiumPath === undefined)('the page with a server that trains', () => {
  const { root, base } = tinyWorld();
  const talk = join(root, 'talk.json');
  let browser: Browser;
  let state: State;
  beforeAll(async () => {
    state = await openState({});
    browser = await launchChromium();
    const dialogues = ['Who are you?', 'What do you like?'].map((user) => ({
      user,
      reply: 'Peep! Buttons.',
    }));
    writeFileSync(talk, JSON.stringify(dialogues));
  });
  afterAll(async () => {
    await browser?.close();
    await state?.close();
    rmSync(root, { recursive: true });
  });

  it('makes a character, trains it and lets it talk', async () => {
    const engine = new EngineProcess();
    const app = await buildServer([], {
      state,
      engine,
      uploads: join(root, 'uploads'),
      pictures: join(root, 'pictures'),
      training: trainingOptions(join(root, 'runs'), base, engine),
    });
    const { page, close } = await openPage(browser, app);
    await page.getByText('Nobody talks here yet').waitFor();
    await page.getByRole('link', { name: 'Create a character' }).click();
    const pictures = ['0.png', '1.png', '2.png'].map((name) => join(characterFolder, name));
    await page.getByLabel('Choose pictures, a card or dialogues').setInputFiles([...pictures, talk]);
    await page.getByLabel('Name', { exact: true }).fill('Pip');
    await page.getByLabel('Profile').fill('Pip collects buttons.');
    await page.getByLabel('What picture 3 shows').fill('Pip in the rain');
    await page.getByLabel('Pip answers, 2').waitFor();
    await page.getByRole('checkbox', { name: /nobody real is shown/ }).check();
    await page.getByRole('button', { name: 'Save and check' }).click();
    await page.getByText('There are 3 pictures; about ten are good.').waitFor();
    await page.getByText('It has nothing to begin a conversation with.').waitFor();
    await page.getByText('The data have nothing to teach these with: ').waitFor();

    await page.getByRole('link', { name: 'Train Pip' }).click();
    await page.getByText('Advanced').click();
    await page.getByLabel('Further options').fill(JSON.stringify(TINY_CONFIG));
    await page.getByRole('cell', { name: '2', exact: true }).first().waitFor();
    const start = page.getByRole('button', { name: 'Start the training' });
    await page.getByText('Learning the character: 8').waitFor();
    await start.click();
    await page.getByRole('img', { name: /^Loss of text: training from .* to .* at step 8/ }).waitFor();
    await page.getByRole('link', { name: 'Talk to Pip' }).waitFor();
    const drawn = page.getByRole('region', { name: 'Before and after' }).getByRole('img');
    await drawn.first().waitFor();
    expect(await drawn.count()).toBe(2);
    expect(await barriers(page)).toEqual([]);

    await page.getByRole('link', { name: 'Talk to Pip' }).click();
    await page.getByRole('textbox', { name: 'Say something to Pip' }).fill('Hello');
    await page.keyboard.press('Enter');
    await page.getByRole('article', { name: 'You' }).waitFor();
    await page.getByRole('button', { name: 'Send' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    await page.goto(page.url().replace(/#.*/, '#/jobs'));
    await page.getByText('Finished').waitFor();
    await page.goto(page.url().replace(/#.*/, '#/'));
    await page.getByRole('link', { name: 'Talk to Pip' }).waitFor();
    await page.getByRole('button', { name: 'Save Pip as CHARX' }).waitFor();
    await close();
  });
});
