import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { shown } from './example.mjs';

/**
 * Lets the trained character answer and draw, and gathers the pictures on one sheet.
 * @param {string} run the run folder
 * @param {string[]} prompts what the user says
 * @returns {Promise<string>} the path of the sheet
 */
export async function demonstrate(run, prompts) {
  const { contactSheet, encodePng, openRun, writeFileAtomic } = await import('@unicharacter/core');
  const engine = await openRun(run);
  const folder = join(run, 'demo');
  mkdirSync(folder, { recursive: true });
  const images = [];
  for (const [index, user] of prompts.entries()) {
    console.log(`\n      you> ${user}`);
    const { reply, image } = await engine.rolePlay({ user, seed: index });
    const path = join(folder, `${index + 1}.png`);
    writeFileAtomic(path, await encodePng(image, { Description: user }));
    images.push(image);
    console.log(`      ${engine.character.name}> ${reply.text}\n      drawn: ${shown(path)}`);
  }
  engine.dispose();
  const sheet = join(folder, 'sheet.png');
  writeFileAtomic(sheet, await encodePng(contactSheet(images, images.length)));
  return sheet;
}
