/**
 * Pictures per second of the reward towers at their published sizes with random weights, beside PyTorch in the same run.
 *
 *   node packages/core/bench/reward-towers/main.mjs --dir FOLDER [--tower clip]… [--python PYTHON] [--make]
 *
 * FOLDER keeps the weights (about 4 GB for all towers); --make only writes them. Without --python no peer is run.
 */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { selectBackend, setStrict, tf } from '@unicharacter/native';
import { BlipModel, ClipModel, DinoModel, LpipsModel } from '../../dist/index.js';
import { towerFolder } from './published.mjs';

/** Pictures per pass. */
const BATCH = 4;
/** Passes that are timed; the best counts, because other work on the machine only makes a pass slower. */
const PASSES = 3;

const questions = ['what color is the hat?', 'is the hat the hat?', 'what is the color?'];

const pixels = (side) =>
  tf.tensor4d(
    Float32Array.from({ length: BATCH * side * side * 3 }, (_, i) => Math.sin(i)),
    [BATCH, side, side, 3],
  );
const read = (tensor) => tensor.dataSync();

const TOWERS = {
  clip: {
    load: (folder) => ClipModel.load(folder),
    input: () => pixels(224),
    run: (clip, x) => read(clip.imageFeatures(x)),
  },
  dino: {
    load: (folder) => DinoModel.load(folder),
    input: () => pixels(224),
    run: (dino, x) => read(dino.features(x)),
  },
  lpips: {
    load: (folder) => LpipsModel.load(folder),
    input: () => pixels(512),
    run: (lpips, x) => lpips.taps(x).map(read),
  },
  blip: {
    load: (folder) => BlipModel.load(folder),
    input: () => pixels(384),
    // Every picture with three questions and answers of at most 8 tokens.
    run: (blip, x) =>
      tf.split(blip.vision.states(x), BATCH).map((picture) => blip.answerIds(picture, questions, 8)),
  },
};

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    tower: { type: 'string', multiple: true, default: Object.keys(TOWERS) },
    python: { type: 'string' },
    make: { type: 'boolean', default: false },
  },
});
if (!values.dir) throw new Error('expected --dir FOLDER for the weights');
selectBackend('native');
setStrict(true);

for (const name of values.tower) {
  const folder = await towerFolder(values.dir, name);
  if (values.make) continue;
  const own = await measure(TOWERS[name], folder);
  const peer = values.python ? measurePeer(name, folder) : undefined;
  const ratio = peer ? `, PyTorch ${peer.toFixed(2)}, ratio ${(own / peer).toFixed(2)}` : '';
  console.log(`${name.padEnd(6)} ${own.toFixed(2)} pictures/s${ratio}`);
}

async function measure({ load, input, run }, folder) {
  const tower = await load(folder);
  const x = input();
  const pass = () => tf.tidy(() => void run(tower, x));
  pass();
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < PASSES; i++) {
    const start = performance.now();
    pass();
    best = Math.min(best, performance.now() - start);
  }
  x.dispose();
  tower.dispose();
  return (BATCH * 1000) / best;
}

function measurePeer(name, folder) {
  const script = fileURLToPath(new URL('peer.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync(values.python, [
    script,
    name,
    folder,
    String(BATCH),
    String(PASSES),
  ]);
  if (status !== 0) throw new Error(`the peer failed: ${stderr}`);
  return Number(stdout);
}
