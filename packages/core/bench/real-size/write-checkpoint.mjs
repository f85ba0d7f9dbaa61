// Writes a checkpoint with the names, shapes and size of a real one and random numbers in it, without holding it in memory.
//
//   node packages/core/bench/real-size/write-checkpoint.mjs OUT.safetensors [CONFIG_FOLDER]
//
// All tensors are bf16, as published. Weights come from one block of normal numbers (standard deviation 0.02) that is
// written over and over, shifted by a different amount for every tensor; norms are ones and biases zeros, so that
// activations stay finite through all layers. Every byte is really on the disk: nothing is sparse.
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadModelConfig, modelTensors } from '../../dist/model/index.js';

const BLOCK = 1 << 25;
const ONE = 0x3f80;

const published = fileURLToPath(new URL('../../../../models/bagel-7b-mot', import.meta.url));
const [out, folder = published] = process.argv.slice(2);
if (!out) throw new Error('usage: write-checkpoint.mjs OUT.safetensors [CONFIG_FOLDER]');
const specs = modelTensors(loadModelConfig(folder));

/** Normal numbers by Box and Muller from a 32-bit linear congruential generator, as bf16 bit patterns. */
function randomBlock(count, deviation) {
  const values = new Float32Array(count);
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    values[i] = radius * Math.cos(angle);
    values[i + 1] = radius * Math.sin(angle);
  }
  return Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
}

const random = randomBlock(BLOCK, 0.02);
const ones = new Uint16Array(1 << 16).fill(ONE);
const zeros = new Uint16Array(1 << 16);
const blockOf = ({ shape, init }) => (shape.length > 1 ? random : init.kind === 'ones' ? ones : zeros);

const header = { __metadata__: { format: 'pt' } };
let bytes = 0;
for (const { name, shape } of specs) {
  const size = shape.reduce((product, n) => product * n, 2);
  header[name] = { dtype: 'BF16', shape, data_offsets: [bytes, bytes + size] };
  bytes += size;
}
const json = Buffer.from(JSON.stringify(header));
const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
const length = Buffer.alloc(8);
length.writeBigUInt64LE(BigInt(padded.length));

const descriptor = openSync(`${out}.partial`, 'w');
const append = (data) => {
  for (let done = 0; done < data.byteLength; )
    done += writeSync(descriptor, data, done, data.byteLength - done);
};
const started = performance.now();
append(length);
append(padded);
specs.forEach((spec, index) => {
  const block = blockOf(spec);
  let left = spec.shape.reduce((product, n) => product * n, 1);
  let at = block === random ? (index * 7919) % BLOCK : 0;
  while (left > 0) {
    const count = Math.min(left, block.length - at);
    append(new Uint8Array(block.buffer, at * 2, count * 2));
    left -= count;
    at = 0;
  }
});
fsyncSync(descriptor);
closeSync(descriptor);
renameSync(`${out}.partial`, out);
const seconds = (performance.now() - started) / 1000;
const parameters = bytes / 2;
console.log(
  `${specs.length} tensors, ${parameters.toLocaleString('en')} parameters, ${(bytes / 1e9).toFixed(2)} GB ` +
    `in ${seconds.toFixed(0)} s (${(bytes / 1e9 / seconds).toFixed(2)} GB/s)`,
);
