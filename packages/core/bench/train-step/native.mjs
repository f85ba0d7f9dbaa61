// Takes the training steps with this project's own trainer:  node native.mjs WEIGHTS
// Answers on stdout as native/bench/peers/process.mjs says: {"ready"}, then one line per request {"steps"}.
import { createInterface } from 'node:readline';
import * as N from '@unicharacter/native';
import { stageRow, UnifiedModel } from '../../dist/model/index.js';
import { gradientStep } from '../../dist/train/gradient-step.js';
import { peakMiB, restartPeak, rssMiB } from '../memory.mjs';
import { CONFIG, OPTIMIZER, trainingRow } from './problem.mjs';

const { tf } = N;
const TRAINED = /^(language_model|time_embedder|vae2llm|llm2vae)\./;
N.selectBackend('native');
N.setStrict(true);
const { row, times, noise } = trainingRow();
const before = rssMiB();
const model = UnifiedModel.load(CONFIG, process.argv[2]);
const { lr, clipNorm, ...settings } = OPTIMIZER;
const learner = {
  trained: { variables: new Map([...model.variables()].filter(([name]) => TRAINED.test(name))) },
  optimizer: new N.AdamW(settings),
  clipNorm,
  precision: 'bf16',
};

/** One pass over the row, as the trainer opens it: uploaded, differentiated, freed. */
function openPass() {
  const staged = stageRow(row, CONFIG);
  const inputs = { times, noise: tf.tensor2d(noise, [row.latentPositions.length, CONFIG.latent.tokenDim]) };
  return {
    losses: () => {
      const { ce, mse } = model.forwardTrain(staged, inputs);
      const means = [tf.mean(ce), tf.mean(mse)];
      return { loss: tf.add(...means), parts: tf.stack(means) };
    },
    dispose: () => {
      staged.dispose();
      inputs.noise.dispose();
    },
  };
}

async function step() {
  const start = performance.now();
  const { ce, mse, gradNorm } = await gradientStep(learner, lr, [openPass], ['ce', 'mse']);
  return { ms: performance.now() - start, ce, mse, gradNorm };
}

const answer = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
answer({ ready: `this project's trainer, ${N.nativeInfo().threads} threads, bf16 autocast` });
for await (const line of createInterface({ input: process.stdin })) {
  restartPeak();
  N.resetPeak();
  const steps = [];
  for (let i = 0; i < JSON.parse(line).steps; i++) steps.push(await step());
  answer({ steps, peakMiB: peakMiB() - before, tensorsMiB: N.memoryStats().peakBytes / 2 ** 20 });
}
