// A process that runs cases on one JavaScript peer:  node bench/worker.mjs native|wasm|cpu|onnxruntime
// Requests and answers are JSON lines on stdin and stdout, see peers/process.mjs.
import { createInterface } from 'node:readline';
import { caseByName } from './cases/index.mjs';
import { measure } from './measure.mjs';
import { sampled } from './values.mjs';

console.warn = () => {};
const { open } = await import(`./peers/${process.argv[2]}.mjs`);
const peer = await open();
const answer = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);

async function run({ name, budget }) {
  const started = await peer.start(caseByName(name));
  try {
    const results = await started.results();
    return { check: results.map(sampled), ...(await measure(started.once, budget)) };
  } finally {
    await started.stop();
  }
}

answer(peer.missing === undefined ? { ready: peer.description } : { missing: peer.missing });
if (peer.missing !== undefined) process.exit();
for await (const line of createInterface({ input: process.stdin })) {
  try {
    answer(await run(JSON.parse(line)));
  } catch (error) {
    answer({ error: error.message.split('\n')[0] });
  }
}
