// Writes and draws with this project's own model:  node native.mjs PROBLEM.json
// Answers on stdout as native/bench/peers/process.mjs says: {"ready"}, then one line per request {"what", "repeats"}.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as N from '@unicharacter/native';
import { sampleFlow } from '../../dist/generate/index.js';
import {
  emptyContext,
  feedTokens,
  inferLogits,
  UnifiedModel,
  VelocityField,
} from '../../dist/model/index.js';
import { CASES } from './problem.mjs';

const { tf } = N;
N.selectBackend('native');
N.setStrict(true);
const problem = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const model = UnifiedModel.load(CASES[problem.name].config(), problem.weights, { trainable: 'none' });
model.inferencePrecision = problem.precision;

/** Logits of the last of `ids`. */
function read(context, ids) {
  return tf.tidy(() => {
    const hidden = feedTokens(model, context, ids);
    return inferLogits(model, tf.slice(hidden, [hidden.shape[0] - 1, 0], [1, -1]));
  });
}

/** The likeliest tokens after the prompt, one by one; the clock runs from the end of the prompt on. */
async function write() {
  const { prompt, tokens, config } = problem;
  const context = emptyContext(model);
  const first = read(context, prompt);
  const check = Array.from(first.dataSync());
  const start = performance.now();
  const ids = [];
  const choose = (logits) => {
    ids.push(N.sampleTokens(logits, [{ choices: config.vocabSize, temperature: 0, topP: 1, key: KEY }])[0]);
    logits.dispose();
  };
  choose(first);
  while (ids.length <= tokens) choose(read(context, ids.slice(-1)));
  const ms = performance.now() - start;
  context.dispose();
  return { ms: ms / tokens, check, ids };
}

const KEY = { seed: 0, stream: 0, counter: 0 };

/** Steps of a guided picture. */
async function draw() {
  const { prompt, side, noise, grid, guidance, markers, config } = problem;
  const main = emptyContext(model);
  read(main, prompt).dispose();
  const contexts = { main, withoutText: main.forkEmpty(), withoutImages: main.fork() };
  const field = new VelocityField(model, markers, side, side);
  const start = performance.now();
  const begin = tf.tensor2d(noise, [side * side, config.tokenWidth]);
  const x = await sampleFlow(field, contexts, begin, Float32Array.from(grid), guidance);
  const check = Array.from(x.dataSync());
  const ms = performance.now() - start;
  tf.dispose([begin, x]);
  for (const each of [field, ...Object.values(contexts)]) each.dispose();
  return { ms: ms / (grid.length - 1), check };
}

const WORK = { write, draw };
const answer = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
answer({ ready: `this project, ${N.nativeInfo().threads} threads, ${problem.precision}` });
for await (const line of createInterface({ input: process.stdin })) {
  const { what, repeats } = JSON.parse(line);
  const results = [];
  for (let i = 0; i < repeats; i++) results.push(await WORK[what]());
  const { check, ids } = results.at(-1);
  answer({ ms: results.map(({ ms }) => ms), check, ids });
}
