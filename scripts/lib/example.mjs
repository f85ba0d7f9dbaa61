import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { inRoot, ROOT } from './root.mjs';
import { run } from './run-command.mjs';

/** The character that `npm start` trains. */
const NAME = 'olmo';

export const example = {
  name: NAME,
  config: inRoot('examples', NAME, 'config.yaml'),
  run: inRoot('runs', NAME),
};

const CLI = inRoot('packages', 'cli', 'bin', 'unicharacter.js');

/** A path the way a user in the repository would type it. */
export const shown = (path) => relative(ROOT, path);

/** Trains the example, or continues it; a run that is complete is left as it is. */
export async function trainExample() {
  if (readEvents().some((event) => event.type === 'done')) {
    console.log(`      ${shown(example.run)} is trained already (delete the folder to train again)`);
    return;
  }
  const args = [CLI, 'train', '--config', example.config, '--out', example.run];
  await run(process.execPath, args, { env: { INIT_CWD: ROOT } });
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
