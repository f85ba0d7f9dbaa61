import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { example } from './example.mjs';

/** Scenes and questions of the test split that are shown. */
const SCENES = 6;
const QUESTIONS = 3;

/**
 * Lets the trained character answer questions and draw scenes of its test split, none of which it was trained on.
 * @returns {Promise<string>} the path of a sheet: above what the scenes really look like, below what the model drew
 */
export async function demonstrate() {
  const core = await import('@unicharacter/core');
  const { contactSheet, decodeImage, encodePng, openRun, writeFileAtomic } = core;
  const { heldOut } = await core.readCharacter(example.data);
  const test = await core.readTestSplit(example.data);
  const engine = await openRun(example.run);
  try {
    for (const [seed, { user }] of heldOut.dialogues.slice(0, QUESTIONS).entries()) {
      const { text } = await engine.reply({ user, seed });
      console.log(`\n      you> ${user}\n      ${example.name}> ${text}`);
    }
    console.log('');
    const scenes = test.t2i.slice(0, SCENES);
    const truth = [];
    const drawn = [];
    for (const [seed, { imageId, instruction }] of scenes.entries()) {
      const { path } = test.images.find(({ id }) => id === imageId);
      truth.push(await decodeImage(path));
      drawn.push((await engine.imagine({ prompt: instruction, seed })).image);
      console.log(`      drawn: ${instruction}`);
    }
    const sheet = join(example.run, 'demo', 'sheet.png');
    mkdirSync(join(example.run, 'demo'), { recursive: true });
    writeFileAtomic(sheet, await encodePng(contactSheet([...truth, ...drawn], scenes.length)));
    return sheet;
  } finally {
    engine.dispose();
  }
}
