/** From pictures and words to a character that talks, on the page in a real browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePng, solidImage, withPngTexts } from '@unicharacter/core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromiumPath, launchChromium } from './browser.js';
import { FakeEngine } from './fake-engine.js';
import { barriers, type OpenPage, openPage } from './open-page.js';
import { fakeCharacter, serveAll } from './serve-fake.js';
import { TrainingStandIn } from './training-stand-in.js';

const SOON = { timeout: 60_000 };

describe.skipIf(chromiumPath === undefined)('making a character on the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unicharacter-create-'));
  const file = (name: string) => join(folder, name);
  let browser: Browser;
  let opened: OpenPage;
  let page: Page;
  let server: TrainingStandIn;

  beforeAll(async () => {
    browser = await launchChromium();
    for (const [index, name] of ['red.png', 'green.png'].entries()) {
      writeFileSync(file(name), await encodePng(solidImage(1600, 40, [200 * index, 90, 20])));
    }
    const card = Buffer.from('{"spec":"chara_card_v2","data":{"name":"Fig"}}').toString('base64');
    writeFileSync(
      file('card.png'),
      withPngTexts(await encodePng(solidImage(20, 20, [9, 9, 9])), { chara: card }),
    );
    writeFileSync(
      file('talk.txt'),
      'User: Who are you?\nFig: I am Fig.\nA fox.\n\nUser: Bye\nFig: Farewell!\n',
    );
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    const app = await serveAll([fakeCharacter(new FakeEngine(['Yip', '!']), 'Fig')]);
    server = new TrainingStandIn(app, 'unicharacter/fig');
    opened = await openPage(browser, app);
    page = opened.page;
    return () => opened.close();
  });

  const files = () => page.getByLabel('Choose pictures, a card or dialogues');
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const agree = () => page.getByRole('checkbox', { name: /nobody real is shown/ }).check();

  async function fillIn(): Promise<void> {
    await page.getByRole('link', { name: 'Create a character' }).click();
    await files().setInputFiles([file('red.png'), file('green.png'), file('talk.txt')]);
    await page.getByLabel('Fig answers, 2').or(page.getByLabel('The character answers, 2')).waitFor();
    await page.getByLabel('Name', { exact: true }).fill('Fig');
    await page.getByLabel('Profile').fill('Fig is a small fox.');
    await page.getByLabel('What picture 2 shows').fill('Fig in the grass');
    await page.getByLabel('Picture with answer 2').selectOption('picture 1');
    await agree();
  }

  it('goes from pictures over the doctor and a training to a conversation', async () => {
    await fillIn();
    server.doctor = {
      findings: [
        { severity: 'warning', file: '1.png', field: '', message: 'is all of one colour' },
        {
          severity: 'error',
          file: 'character.yaml',
          field: '/scenes/0/reply',
          message: 'the reply is too short',
        },
      ],
      missing: [{ what: 'opening', required: false, message: 'No opening line.' }],
      trainable: false,
    };
    await button('Save and check').click();
    await page.getByRole('heading', { name: 'Fig is saved, but cannot be trained yet' }).waitFor();
    expect(server.sent[0]).toEqual({
      parts: ['consent', 'provenance', 'profile', '0.png', '1.png'],
      profile: {
        name: 'Fig',
        description: 'Fig is a small fox.',
        captions: ['', 'Fig in the grass'],
        dialogues: [{ user: 'Who are you?', reply: 'I am Fig.\nA fox.' }],
        scenes: [{ image: '0', user: 'Bye', reply: 'Farewell!' }],
        knowledge: [],
      },
    });
    const described = async (label: string) => {
      const id = await page.getByLabel(label).getAttribute('aria-describedby');
      return page.locator(`[id="${id}"]`).innerText();
    };
    expect(await described('What picture 2 shows')).toBe('is all of one colour');
    expect(await described('Fig answers, 2')).toBe('the reply is too short');
    expect(await described('Opening line')).toBe('No opening line.');
    expect(await barriers(page)).toEqual([]);

    server.doctor = { findings: [], missing: [], trainable: true };
    await page.getByLabel('Fig answers, 2').fill('Farewell, friend of foxes!');
    await button('Save again').click();
    await page.getByRole('link', { name: 'Train Fig' }).click();
    await expect.poll(() => server.uploads.length, SOON).toBe(1);

    await page.getByText('about 1 min 35 s').waitFor();
    expect(await barriers(page)).toEqual([]);
    await button('Start the training').click();
    await page.getByRole('heading', { name: 'Training Fig' }).waitFor();
    expect(server.wishes.at(-1)).toEqual({
      model: 'nano-toy',
      character: server.uploads[0]!.id,
      method: { type: 'supervised', supervised: { hyperparameters: {} } },
    });

    const sample = (step: number, reply: string) =>
      server.tell({
        kind: 'sample',
        stage: 'sft',
        step,
        samples: [{ prompt: 'Who are you?', reply, url: null }],
      });
    server.become('running');
    sample(0, 'the of and');
    server.step(1, 20, 3, 0.9);
    const text = page.getByRole('img', { name: /^Loss of text: training from 3\.00 at step 1/ });
    await text.waitFor();
    server.breakStreams();
    server.step(2, 20, 1.5, 0.6);
    server.tell(
      { kind: 'alarm', stage: 'sft', step: 2, measure: 'grad_norm', value: 9, limit: 1 },
      'The gradient is large',
    );
    await page.getByRole('img', { name: /to 1\.50 at step 2$/ }).waitFor();
    await page.getByRole('img', { name: /^Loss of pictures: .* to 0\.600 at step 2$/ }).waitFor();
    await page.getByRole('alert').getByText('The gradient is large').waitFor();
    expect(await page.getByRole('progressbar').getAttribute('value')).toBe('2');
    expect(await barriers(page)).toEqual([]);

    await button('Pause').click();
    await button('Go on').click();
    await button('Pause').waitFor();
    sample(20, 'I am Fig.');
    server.succeed();
    const compared = page.getByRole('region', { name: 'Before and after' });
    await compared.waitFor();
    expect(await compared.getByRole('figure').allInnerTexts()).toEqual([
      expect.stringContaining('the of and'),
      expect.stringContaining('I am Fig.'),
    ]);
    await page.getByRole('link', { name: 'Talk to Fig' }).click();
    await page.getByRole('textbox', { name: 'Say something to Fig' }).fill('Hi');
    await page.keyboard.press('Enter');
    await page.getByText('Yip!').waitFor();
  });

  it('makes large pictures smaller and takes a card as it is', async () => {
    await page.goto(`${opened.address}/#/create`);
    await files().setInputFiles([file('red.png')]);
    const preview = page.getByRole('img', { name: 'Picture 1' });
    await preview.waitFor();
    const width = () =>
      preview.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth);
    await expect.poll(width, SOON).toBe(1536);
    await button('Remove picture 1').click();
    await preview.waitFor({ state: 'detached' });
    await files().setInputFiles([file('card.png')]);
    await page.getByRole('heading', { name: 'card.png' }).waitFor();
    await agree();
    await button('Save and check').click();
    await page.getByRole('heading', { name: 'Card is saved and can be trained' }).waitFor();
    expect(server.sent[0]?.parts).toEqual(['consent', 'provenance', 'card.png']);
  });

  it('shows what is missing in the gallery, and deletes after a question', async () => {
    server.uploads.push({
      ...{ id: 'char_000000000000000000000009', name: 'Thorn', format: 'json', portrait: null, images: 0 },
      ...{ tasks: [], findings: [], trainable: false },
      missing: [{ what: 'dialogues', required: true, message: 'No dialogues.' }],
    });
    await page.reload();
    await page.getByText('No dialogues.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await button('Delete Thorn').click();
    await button('Keep').click();
    await button('Delete Thorn').click();
    await button('Delete Thorn').click();
    await page.getByText('No dialogues.').waitFor({ state: 'detached' });
    expect(server.uploads).toEqual([]);
  });

  it('lists the trainings, at phone width too', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${opened.address}/#/jobs`);
    await page.getByText('No character has been trained here yet.').waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.goto(`${opened.address}/#/create`);
    await files().waitFor({ state: 'attached' });
    expect(await barriers(page)).toEqual([]);
  });
});
