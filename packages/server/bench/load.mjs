// Many people talk to one character at the same time: what they notice, and whether anything is lost or grows.
//   npx nx run server:load -- --run runs/alma [--clients 64] [--seconds 300] [--alone 20] [--max-tokens 48] [--json] [--log FILE]
// The peer is the same server with one client, before.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { aboutLine, machine } from '../../native/bench/machine.mjs';
import { Report } from '../../native/bench/report.mjs';
import { ServingProcess } from './serving-process.mjs';
import { countByCode, mean, quantile } from './statistics.mjs';
import { Talker } from './talker.mjs';

const { values: options } = parseArgs({
  options: {
    run: { type: 'string', default: 'runs/alma' },
    clients: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '300' },
    alone: { type: 'string', default: '20' },
    'max-tokens': { type: 'string', default: '48' },
    json: { type: 'boolean' },
    log: { type: 'string' },
  },
});
const report = new Report(options);
/** Memory may grow by this share of it between the second and the last quarter of the time, */
const GROWTH = 0.1;
/** which must be so many seconds: before, caches are being filled. */
const LONG = 60;

/** Lets so many people talk for so long and waits until each has heard the end. */
async function talk(server, clients, seconds, onSecond = () => {}) {
  const talkers = Array.from(
    { length: clients },
    (_, n) => new Talker(n, server.url, Number(options['max-tokens'])),
  );
  const start = performance.now();
  const over = AbortSignal.timeout(1000 * seconds);
  const talking = Promise.all(talkers.map((talker) => talker.talkUntil(over)));
  while (!over.aborted) {
    await pause(1000);
    await onSecond();
  }
  await talking;
  const answers = talkers.flatMap((talker) => talker.answers);
  const firsts = answers.map(({ first }) => first);
  const elapsed = (Math.max(...answers.map(({ ended }) => ended)) - start) / 1000;
  return {
    talkers,
    result: {
      clients,
      seconds: elapsed,
      asked: talkers.reduce((sum, { asked }) => sum + asked, 0),
      answered: answers.length,
      errors: countByCode(talkers.flatMap(({ errors }) => errors)),
      tokensPerSecond: answers.reduce((sum, { tokens }) => sum + tokens, 0) / elapsed,
      tokensPerAnswer: mean(answers.map(({ tokens }) => tokens)),
      firstP50: quantile(firsts, 0.5),
      firstP95: quantile(firsts, 0.95),
    },
  };
}

const line = (result, peer) =>
  `${String(result.clients).padStart(3)} clients ${result.tokensPerSecond.toFixed(0).padStart(6)} tokens/s ×${(result.tokensPerSecond / peer.tokensPerSecond).toFixed(2)}` +
  `   first word p50 ${result.firstP50.toFixed(0)} ms, p95 ${result.firstP95.toFixed(0)} ms` +
  `   ${result.answered} of ${result.asked} turns answered in ${result.seconds.toFixed(0)} s, ${result.tokensPerAnswer.toFixed(0)} tokens each; errors ${JSON.stringify(result.errors)}`;

/** Mean memory in the second and in the last quarter of the samples. */
function growth(samples, field) {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const values = samples.map((sample) => sample[field]);
  return { before: mean(values.slice(quarter, 2 * quarter + 1)), after: mean(values.slice(-quarter)) };
}

async function main(server) {
  await server.ready();
  await talk(server, 2, 2);
  const { result: alone } = await talk(server, 1, Number(options.alone));
  report.say(line(alone, alone));
  report.note(alone);
  const samples = [];
  const onSecond = async () => samples.push(await server.memory());
  const { talkers, result } = await talk(server, Number(options.clients), Number(options.seconds), onSecond);
  report.say(line(result, alone));
  const kept = await Promise.all(talkers.map((talker) => talker.check()));
  const compared = kept.reduce((sum, one) => sum + one.compared, 0);
  const missing = kept.reduce((sum, one) => sum + one.missing, 0);
  report.say(`    messages acknowledged ${compared}, of which the server has lost ${missing}`);
  const memory = Object.fromEntries(
    ['server', 'engine', 'tensors'].map((field) => [field, growth(samples, field)]),
  );
  for (const [field, { before, after }] of Object.entries(memory)) {
    report.say(
      `    memory, ${field}: ${before.toFixed(0)} MiB in the second quarter, ${after.toFixed(0)} MiB in the last`,
    );
  }
  report.note({ ...result, gain: result.tokensPerSecond / alone.tokensPerSecond, compared, missing, memory });
  const grown =
    samples.length >= LONG &&
    Object.values(memory).some(({ before, after }) => after > (1 + GROWTH) * before);
  return (
    result.answered === result.asked && Object.keys(result.errors).length === 0 && missing === 0 && !grown
  );
}

report.say(aboutLine(machine(availableParallelism())));
const folder = mkdtempSync(join(tmpdir(), 'unicharacter-load-'));
const server = await ServingProcess.start(folder, resolve(options.run));
try {
  if (!(await main(server))) process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}
if (options.log) writeFileSync(options.log, report.text());
