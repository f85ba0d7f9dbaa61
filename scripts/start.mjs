// From a fresh clone to a character that talks and draws. A second run skips what is done.
// Only Node itself is needed to begin.
import { demonstrate } from './lib/demo.mjs';
import { example, lossesOfRun, shown, trainExample } from './lib/example.mjs';
import { main } from './lib/main.mjs';
import { nx } from './lib/nx.mjs';
import { ensurePackages } from './lib/packages.mjs';
import { duration, Steps, secondsSoFar } from './lib/steps.mjs';
import { ensureToolchain } from './lib/toolchain.mjs';

/** The first two are in the character's data, the last one is not. */
const PROMPTS = [
  'Good morning, Olmo! Is this your house?',
  'The sun is going down. Shall we go home?',
  'Do you like autumn rain?',
];

await main(async () => {
  const steps = new Steps(5);
  await steps.do('Checking the toolchain', ensureToolchain);
  await steps.do('Installing packages', ensurePackages);
  await steps.do('Building (the first time compiles the native addon)', () => nx('run', 'cli:build'));
  await steps.do(`Training the example character "${example.name}"`, trainExample);
  const sheet = await steps.do('Talking and drawing', () => demonstrate(example.run, PROMPTS));

  console.log('');
  for (const { name, first, last } of lossesOfRun()) {
    console.log(`Loss of ${name}: ${first.toFixed(3)} → ${last.toFixed(3)}`);
  }
  console.log(`Contact sheet: ${shown(sheet)}`);
  console.log(`Report:        ${shown(`${example.run}/report.html`)}`);
  console.log(`Talk on:       npx unicharacter chat --run ${shown(example.run)}`);
  console.log(`Done in ${duration(secondsSoFar())} (${(secondsSoFar() / 60).toFixed(1)} minutes).`);
});
