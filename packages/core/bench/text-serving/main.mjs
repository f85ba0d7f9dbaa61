// Text of a nano-sized model for 1, 8, 16 and 64 clients at once: each asks again as soon as it has its answer. The prompts
// are those of one character: the same profile, then a conversation of the client's own.
//   npx nx run core:bench-text -- [--clients 1,16] [--seconds N] [--json] [--log FILE]
// The peer is the same engine with one client. Weights are random, so that replies have their full length.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  CharacterEngine,
  FlowVae,
  loadModelConfig,
  loadTokenizer,
  Scheduler,
  UnifiedModel,
} from '@unicharacter/core';
import { selectBackend, tf } from '@unicharacter/native';
import { aboutLine, machine } from '../../../native/bench/machine.mjs';
import { Report } from '../../../native/bench/report.mjs';
import { peakMiB, restartPeak } from '../memory.mjs';
import { character, conversation } from './prompts.mjs';

const MAX_TOKENS = 48;
const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '1,8,16,64' },
    seconds: { type: 'string', default: '6' },
    json: { type: 'boolean' },
    log: { type: 'string' },
  },
});
const SECONDS = Number(options.seconds);

selectBackend('native');
const folder = fileURLToPath(new URL('../../../../models/nano', import.meta.url));
const config = loadModelConfig(folder);
const model = UnifiedModel.init(config, 1);
const models = { model, vae: FlowVae.init(config.vae, 1), tokenizer: loadTokenizer(folder) };
const defaults = { text: { temperature: 0.7, topP: 0.9, maxTokens: MAX_TOKENS }, image: {} };

/** One client that talks until the time is over; tells of each answer what a user would notice. */
async function client(engine, number, until, seen) {
  for (let turn = 0; performance.now() < until; turn++) {
    const asked = performance.now();
    let first;
    const { completionTokens, promptTokens } = await engine.reply({
      ...conversation(number, turn),
      seed: 1000 * number + turn,
      onToken: () => {
        first ??= performance.now() - asked;
      },
    });
    const ended = performance.now();
    seen.push({ promptTokens, completionTokens, first: first ?? ended - asked, ended });
  }
}

const quantile = (values, share) =>
  values.sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

async function measure(clients) {
  const scheduler = new Scheduler(models, 16_384);
  const engine = new CharacterEngine(character, { ...models, scheduler }, defaults);
  const before = tf.memory();
  restartPeak();
  const seen = [];
  const start = performance.now();
  const all = Array.from({ length: clients }, (_, i) => client(engine, i, start + 1000 * SECONDS, seen));
  await Promise.all(all);
  const seconds = (Math.max(...seen.map(({ ended }) => ended)) - start) / 1000;
  scheduler.dispose();
  if (tf.memory().numTensors !== before.numTensors) throw new Error(`${clients} clients left tensors behind`);
  const sum = (field) => seen.reduce((total, one) => total + one[field], 0);
  const firsts = seen.map(({ first }) => first);
  return {
    clients,
    answers: seen.length,
    promptTokens: sum('promptTokens') / seen.length,
    tokensPerSecond: sum('completionTokens') / seconds,
    firstP50: quantile(firsts, 0.5),
    firstP95: quantile(firsts, 0.95),
    peakMiB: peakMiB(),
  };
}

const report = new Report(options);
report.say(aboutLine(machine(availableParallelism())));
await measure(2);
let one;
for (const clients of options.clients.split(',').map(Number)) {
  const result = await measure(clients);
  one ??= result;
  const { answers, promptTokens, tokensPerSecond, firstP50, firstP95, peakMiB: peak } = result;
  report.say(
    `${String(clients).padStart(3)} clients${tokensPerSecond.toFixed(0).padStart(7)} tokens/s${`×${(tokensPerSecond / one.tokensPerSecond).toFixed(2)}`.padStart(8)}` +
      `   first token p50 ${firstP50.toFixed(0)} ms, p95 ${firstP95.toFixed(0)} ms   peak ${peak.toFixed(0)} MiB   ${answers} answers, prompts of ${promptTokens.toFixed(0)} tokens`,
  );
  report.note(result);
}
if (options.log) writeFileSync(options.log, report.text());
