// Runs a model that is larger than the machine: reads a prompt, decodes tokens, takes one denoising step of a 256² picture,
// with the weights mapped and one layer at a time in memory.
//
//   node packages/core/bench/real-size/run.mjs CHECKPOINT.safetensors [CONFIG_FOLDER] [--tokens 2] [--size 256]
//
// Memory is what /proc/self/status says, sampled every 20 ms by another thread: RssAnon is memory of the process, RssFile
// are pages of the file that it has mapped just then (page cache that the system can take back at any time).
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import {
  memoryStats,
  nativeInfo,
  randomNormal,
  resetPeak,
  selectBackend,
  setStrict,
  tf,
} from '@unicharacter/native';
import {
  emptyContext,
  feedTokens,
  inferLogits,
  loadModelConfig,
  modelTensors,
  UnifiedModel,
  VelocityField,
} from '../../dist/model/index.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { tokens: { type: 'string', default: '2' }, size: { type: 'string', default: '256' } },
});
const published = fileURLToPath(new URL('../../../../models/bagel-7b-mot', import.meta.url));
const [checkpoint, folder = published] = positionals;
if (!checkpoint) throw new Error('usage: run.mjs CHECKPOINT.safetensors [CONFIG_FOLDER]');

const GIGA = 1e9;
const MARKERS = { bos: 151644, eos: 151645, soi: 151652, eoi: 151653 };
const PROMPT = Int32Array.from({ length: 30 }, (_, i) => 1000 + 37 * i);

/** A thread that keeps the largest RssAnon and RssFile, so that the model's own thread need not look. */
const peaks = new Float64Array(new SharedArrayBuffer(16));
const watcher = new Worker(
  `const { readFileSync } = require('node:fs');
   const { workerData: peaks } = require('node:worker_threads');
   setInterval(() => {
     const status = readFileSync('/proc/self/status', 'utf8');
     ['RssAnon', 'RssFile'].forEach((name, i) => {
       peaks[i] = Math.max(peaks[i], 1024 * Number(new RegExp(name + ':\\\\s+(\\\\d+)').exec(status)[1]));
     });
   }, 20);`,
  { eval: true, workerData: peaks },
);

/** Bytes that this process has caused to be read from the disk. */
const diskBytes = () => Number(/read_bytes: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1]);
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

async function step(name, f) {
  peaks.fill(0);
  resetPeak();
  const before = { disk: diskBytes(), cpu: cpuSeconds(), time: performance.now() };
  const result = f();
  // Gives the watcher a last look.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const seconds = (performance.now() - before.time) / 1000;
  const disk = diskBytes() - before.disk;
  const busy = (cpuSeconds() - before.cpu) / seconds / availableParallelism();
  console.log(
    `${name.padEnd(34)} ${seconds.toFixed(1).padStart(6)} s   disk ${(disk / GIGA).toFixed(1).padStart(5)} GB ` +
      `(${(disk / GIGA / seconds).toFixed(2)} GB/s)   processor ${(100 * busy).toFixed(0).padStart(3)} %   ` +
      `RssAnon ${(peaks[0] / GIGA).toFixed(2)} GB   RssFile ${(peaks[1] / GIGA).toFixed(2)} GB   ` +
      `tensors ${(memoryStats().peakBytes / GIGA).toFixed(2)} GB`,
  );
  return result;
}

selectBackend('native');
setStrict(true);
const config = loadModelConfig(folder);
const parameters = modelTensors(config).reduce(
  (sum, { shape }) => sum + shape.reduce((n, size) => n * size, 1),
  0,
);
const { onednn, threads } = nativeInfo();
console.log(
  `${cpus()[0].model}, ${threads} threads, ${(totalmem() / GIGA).toFixed(1)} GB memory, oneDNN ${onednn}`,
);
console.log(
  `${parameters.toLocaleString('en')} parameters, ${(statSync(checkpoint).size / GIGA).toFixed(2)} GB on disk, bf16 products\n`,
);

const model = await step('open the checkpoint', () =>
  UnifiedModel.load(config, checkpoint, { trainable: 'none', read: 'streamed' }),
);
model.inferencePrecision = 'bf16';
const context = emptyContext(model);
const argmax = (logits) => logits.reduce((best, value, i) => (value > logits[best] ? i : best), 0);
const next = (ids) =>
  tf.tidy(() => {
    const hidden = feedTokens(model, context, ids);
    const last = tf.slice(hidden, [hidden.shape[0] - 1, 0], [1, -1]);
    return inferLogits(model, last).dataSync();
  });
let id = argmax(await step(`read a prompt of ${PROMPT.length} tokens`, () => next(PROMPT)));
for (let i = 0; i < Number(values.tokens); i++) {
  id = argmax(await step(`decode token ${i + 1} (after ${id})`, () => next([id])));
}
const side = Math.floor(Number(values.size) / config.latent.pixels);
const field = new VelocityField(model, MARKERS, side, side);
const noise = randomNormal([side * side, config.latent.tokenDim], { seed: 1, stream: 1, counter: 0 });
const velocity = await step(`one denoising step at ${values.size}²`, () => {
  const tensor = field.at(context, noise, 1);
  tensor.dataSync();
  return tensor;
});
const finite = velocity.dataSync().every(Number.isFinite);
console.log(
  `\nvelocity [${velocity.shape}], ${finite ? 'all finite' : 'NOT FINITE'}; ${context.length} tokens in the cache`,
);
tf.dispose([velocity, noise]);
field.dispose();
context.dispose();
model.dispose();
await watcher.terminate();
if (!finite) process.exitCode = 1;
