// The engine, then the server, is killed again and again while people talk: what fails, whether anything that was
// acknowledged is lost, and how soon it works again.
//   npx nx run server:faults -- --run runs/alma [--kills 20] [--clients 8] [--max-tokens 48] [--json] [--log FILE]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { aboutLine, machine } from '../../native/bench/machine.mjs';
import { Report } from '../../native/bench/report.mjs';
import { ServingProcess } from './serving-process.mjs';
import { countByCode, quantile } from './statistics.mjs';
import { Talker } from './talker.mjs';

const { values: options } = parseArgs({
  options: {
    run: { type: 'string', default: 'runs/alma' },
    kills: { type: 'string', default: '20' },
    clients: { type: 'string', default: '8' },
    'max-tokens': { type: 'string', default: '48' },
    json: { type: 'boolean' },
    log: { type: 'string' },
  },
});
const run = resolve(options.run);
const kills = Number(options.kills);
const report = new Report(options);
/** Milliseconds of talk between a recovery and the next kill: at least, and by how much more at random. */
const TALK = { least: 500, more: 1500 };

/** What clients may hear when the engine is killed, and when the server is: its closed connections. */
const ALLOWED = {
  engine: ['engine_unavailable'],
  server: ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'],
};

/**
 * @param what is killed
 * @param kill kills it and brings it back, and answers the server that is to be used from then on
 */
async function faults(what, server, kill) {
  let current = server;
  const url = () => current.url;
  const talkers = Array.from(
    { length: Number(options.clients) },
    (_, n) => new Talker(n, url, Number(options['max-tokens'])),
  );
  const over = new AbortController();
  const talking = talkers.map((talker) => talker.talkUntil(over.signal));
  const recoveries = [];
  for (let n = 0; n < kills; n++) {
    await pause(TALK.least + TALK.more * Math.random());
    const killed = performance.now();
    current = await kill(current);
    await answered(url);
    recoveries.push(performance.now() - killed);
  }
  over.abort();
  await Promise.all(talking);
  const checks = await Promise.all(talkers.map((talker) => talker.check()));
  const errors = talkers.flatMap((talker) => talker.errors);
  const result = {
    what,
    kills,
    answered: talkers.reduce((sum, { answers }) => sum + answers.length, 0),
    errors: countByCode(errors),
    unexpected: errors.filter(({ code }) => !ALLOWED[what].includes(code)),
    compared: checks.reduce((sum, { compared }) => sum + compared, 0),
    missing: checks.reduce((sum, { missing }) => sum + missing, 0),
    recoveryP50: quantile(recoveries, 0.5),
    recoveryMost: Math.max(...recoveries),
  };
  report.say(
    `${what} killed ${kills} times: works again after ${result.recoveryP50.toFixed(0)} ms (median; at most ${result.recoveryMost.toFixed(0)} ms); ` +
      `${result.answered} turns answered, failed ${JSON.stringify(result.errors)}, ` +
      `of ${result.compared} acknowledged messages ${result.missing} lost`,
  );
  report.note(result);
  for (const error of result.unexpected) report.say(`    unexpected: ${JSON.stringify(error)}`);
  return { server: current, sound: result.missing === 0 && result.unexpected.length === 0 };
}

/** Waits until somebody new gets a whole answer. */
async function answered(url) {
  for (let n = 0; ; n++) {
    const talker = new Talker(10_000 + n, url, 1);
    await talker.turn();
    if (talker.answers.length > 0) return;
  }
}

async function killEngine(server) {
  process.kill(server.enginePid, 'SIGKILL');
  return server;
}

async function killServer(server) {
  await server.kill();
  return ServingProcess.start(folder, run);
}

report.say(aboutLine(machine(availableParallelism())));
const folder = mkdtempSync(join(tmpdir(), 'unicharacter-faults-'));
let server = await ServingProcess.start(folder, run);
try {
  await answered(() => server.url);
  const engine = await faults('engine', server, killEngine);
  const whole = await faults('server', server, killServer);
  server = whole.server;
  if (!engine.sound || !whole.sound) process.exitCode = 1;
} finally {
  await server.stop();
  rmSync(folder, { recursive: true });
}
if (options.log) writeFileSync(options.log, report.text());
