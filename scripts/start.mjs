// From a fresh clone to a character that talks and draws. A second run skips what is done.
// Only Node itself is needed to begin.
import { demonstrate } from './lib/demo.mjs';
import { example, lossesOfRun, shown, trainExample, writeExample } from './lib/example.mjs';
import { main } from './lib/main.mjs';
import { nx } from './lib/nx.mjs';
import { ensurePackages } from './lib/packages.mjs';
import { duration, Steps, secondsSoFar } from './lib/steps.mjs';
import { ensureToolchain } from './lib/toolchain.mjs';

await main(async () => {
  const steps = new Steps(6);
  await steps.do('Checking the toolchain', ensureToolchain);
  await steps.do('Installing packages', ensurePackages);
  await steps.do('Building (the first time compiles the native addon)', () => nx('run', 'cli:build'));
  await steps.do(`Drawing the example character ${example.name} and writing its dialogues`, writeExample);
  await steps.do(`Customising the base model for ${example.name}`, trainExample);
  const sheet = await steps.do('Talking and drawing: questions and scenes it has never seen', demonstrate);

  console.log('');
  for (const { name, first, last } of lossesOfRun()) {
    console.log(`Loss of ${name}: ${first.toFixed(3)} → ${last.toFixed(3)}`);
  }
  console.log(`Contact sheet: ${shown(sheet)} (above the true pictures, below its own)`);
  console.log(
    `Before, after: the sheets of one prompt at several steps in ${shown(`${example.run}/samples`)}`,
  );
  console.log(`Report:        ${shown(`${example.run}/report.html`)}`);
  console.log(`Talk on:       npx unicharacter chat --run ${shown(example.run)}`);
  console.log(`Done in ${duration(secondsSoFar())} (${(secondsSoFar() / 60).toFixed(1)} minutes).`);
});
