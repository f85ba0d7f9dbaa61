// Sends damaged commands to the addon and checks that each bad one is an exception that names its kernel.
//
//   node test/fuzz/run-commands.mjs --seed 1 --count 100000 [--from 0] [--progress FILE]
//   node test/fuzz/run-commands.mjs --seed 1 --from 4711 --count 1 --print     shows the command before it is sent
import { openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nativeBinding } from '../../dist/binding.js';
import { bufferArray } from './buffers.mjs';
import { recordCorpus } from './corpus.mjs';
import { commandAt, encode } from './mutate.mjs';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '1000' },
    progress: { type: 'string' },
    print: { type: 'boolean', default: false },
  },
});
const [seed, from, count] = [options.seed, options.from, options.count].map(Number);

const binding = nativeBinding();
const names = binding.kernels();
const corpus = recordCorpus(names);
const ints = new Int32Array(1 << 12);
const reals = new Float64Array(1 << 8);
const results = new Int32Array(1 << 10);
binding.setBlocks(ints, reals, results);
const progress = options.progress === undefined ? undefined : openSync(options.progress, 'w');

/** Buffers are kept and shared between commands; those of the seed commands are few. */
const pool = new Map();
function place({ phys, count: elements, values }) {
  const key = `${phys}:${elements}:${values.join()}`;
  let slot = pool.get(key);
  if (slot === undefined) {
    slot = binding.upload(bufferArray(phys, elements, values));
    pool.set(key, slot);
  }
  return slot;
}

function print(line) {
  process.stdout.write(`${line}\n`);
}

/** Frees the buffers now and then: commands that write in place would wear them out, and stale slots appear. */
function clearPool() {
  for (const slot of pool.values()) binding.release(slot);
  pool.clear();
  const { liveBuffers } = binding.memory();
  if (liveBuffers !== 0) throw new Error(`${liveBuffers} buffers are left after the calls`);
}

const tally = { calls: 0, succeeded: 0, refused: 0, kernelsThatRan: new Set(), slowest: 0, slowestAt: -1 };
for (let index = from; index < from + count; index++) {
  const { kernel, tokens } = commandAt(corpus, seed, index);
  const encoded = encode(tokens, place);
  ints.set([encoded.ints.length, encoded.reals.length, ...encoded.ints]);
  reals.set(encoded.reals);
  if (options.print) print(`${kernel} ints ${encoded.ints} reals ${encoded.reals}`);
  if (progress !== undefined) writeSync(progress, `${index} ${kernel}\n`.padEnd(64), 0);
  const live = binding.memory().liveBuffers;
  const started = performance.now();
  tally.calls++;
  try {
    binding.run(names.indexOf(kernel));
    for (let i = 0; i < results[0]; i++) binding.release(results[i + 1]);
    tally.succeeded++;
    tally.kernelsThatRan.add(kernel);
  } catch (error) {
    if (!error.message.startsWith(`${kernel}: `) || !/\(given .*\)$/s.test(error.message)) {
      throw new Error(
        `call ${index} of seed ${seed}: ${kernel} failed without naming itself and its shapes: ${error.stack}`,
      );
    }
    tally.refused++;
    if (options.print) print(error.message);
  }
  const elapsed = performance.now() - started;
  if (elapsed > tally.slowest) Object.assign(tally, { slowest: elapsed, slowestAt: index });
  if (binding.memory().liveBuffers !== live)
    throw new Error(`call ${index} of seed ${seed}: ${kernel} leaked a buffer`);
  if (index % 2000 === 1999) clearPool();
}
clearPool();
const kernelsThatNeverRan = names.filter((name) => !tally.kernelsThatRan.has(name));
const { calls, succeeded, refused, slowest, slowestAt } = tally;
print(
  JSON.stringify({
    calls,
    succeeded,
    refused,
    kernels: names.length,
    kernelsThatNeverRan,
    slowest,
    slowestAt,
  }),
);
