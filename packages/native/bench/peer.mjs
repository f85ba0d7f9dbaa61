// Runs the cases on one peer backend and prints a JSON object {name: milliseconds}.
//   node bench/peer.mjs cpu|wasm BUDGET_MS FILTER
import { createRequire } from 'node:module';
import { cases } from './cases.mjs';
import { measure } from './measure.mjs';

const require = createRequire(import.meta.url);
const [backend, budget, filter] = process.argv.slice(2);
console.warn = () => {};
const tf = require('@tensorflow/tfjs-core');
require(`@tensorflow/tfjs-backend-${backend}`);
await tf.setBackend(backend);
await tf.ready();
const chosen = cases.filter(({ name }) => new RegExp(filter).test(name));
console.log(JSON.stringify(Object.fromEntries(chosen.map((c) => [c.name, measure(tf, c, Number(budget))]))));
