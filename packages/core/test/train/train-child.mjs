// Trains in a process of its own that a test can kill: node train-child.mjs '<options as JSON>'. One line per step.
import { loadConfig, trainCharacter } from '../../dist/index.js';
import { redness } from './redness.mjs';

const config = loadConfig(undefined, JSON.parse(process.argv[2]));
await trainCharacter(config, {
  imageReward: redness(),
  onEvent: (event) => {
    if (event.type === 'step') process.stdout.write(`${event.stage} ${event.step}\n`);
  },
});
