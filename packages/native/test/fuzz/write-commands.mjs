// Writes damaged commands for the executable of cpp/test, which replays them under sanitizers.
//   node test/fuzz/write-commands.mjs --seed 2 --count 20000 --out FILE
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nativeBinding } from '../../dist/binding.js';
import { bufferArray } from './buffers.mjs';
import { recordCorpus } from './corpus.mjs';
import { commandAt, encode } from './mutate.mjs';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '2' },
    count: { type: 'string', default: '20000' },
    out: { type: 'string' },
  },
});

const corpus = recordCorpus(nativeBinding().kernels());
const pool = new Map();
const buffers = [];
const calls = [];

function place({ phys, count, values }) {
  // The executable repeats the values, as the addon's runner does.
  const shown = Array.from(bufferArray(phys, Math.min(count, values.length), values));
  const line = `buffer ${phys} ${count} ${shown.length} ${shown.join(' ')}`;
  let number = pool.get(line);
  if (number === undefined) {
    number = buffers.length;
    pool.set(line, number);
    buffers.push(line);
  }
  return number;
}

for (let index = 0; index < Number(options.count); index++) {
  const { kernel, tokens } = commandAt(corpus, Number(options.seed), index);
  const { ints, reals } = encode(tokens, place);
  calls.push(`call ${kernel} ${ints.length} ${ints.join(' ')} ${reals.length} ${reals.join(' ')}`);
}
writeFileSync(options.out, `${buffers.join('\n')}\n${calls.join('\n')}\n`);
