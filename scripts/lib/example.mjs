import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { inRoot, ROOT } from './root.mjs';
import { run } from './run-command.mjs';

/** The character of the toy world that `npm start` customises, and the folder that its data is drawn into. */
const NAME = 'Alma';
const WORLD = inRoot('data', 'toyscape');

export const example = {
  name: NAME,
  data: join(WORLD, 'data', 'personalized_data', 'train', NAME),
  config: inRoot('examples', NAME.toLowerCase(), 'config.yaml'),
  run: inRoot('runs', NAME.toLowerCase()),
};

const CLI = inRoot('packages', 'cli', 'bin', 'unicharacter.js');

/** A path the way a user in the repository would type it. */
export const shown = (path) => relative(ROOT, path);

const unicharacter = (...args) => run(process.execPath, [CLI, ...args], { env: { INIT_CWD: ROOT } });

/** Draws and writes the example's pictures, dialogues and questions; the same files every time. */
export async function writeExample() {
  await unicharacter('world', '--out', WORLD, '--only', NAME, '--size', '64');
}

/** Trains the example, or continues it; a run that is complete is left as it is. */
export async function trainExample() {
  if (readEvents().some((event) => event.type === 'done')) {
    console.log(`      ${shown(example.run)} is trained already (delete the folder to train again)`);
    return;
  }
  await unicharacter('train', '--config', example.config, '--out', example.run);
}

/**
 * How the loss of both modalities went: the mean over the first and over the last steps.
 * @returns {{name: string, first: number, last: number}[]}
 */
export function lossesOfRun() {
  const steps = readEvents().filter((event) => event.type === 'step' && event.stage === 'sft');
  return [
    ['text (cross-entropy)', 'ce'],
    ['images (flow matching)', 'mse'],
  ].map(([name, key]) => {
    const values = steps.map((event) => event.losses[key]).filter((value) => value !== undefined);
    const window = Math.max(1, Math.ceil(values.length / 20));
    return { name, first: mean(values.slice(0, window)), last: mean(values.slice(-window)) };
  });
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

function readEvents() {
  const path = `${example.run}/events.jsonl`;
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
