// Draws and learns with this project's own trainer:  node native.mjs WEIGHTS
// Answers on stdout as native/bench/peers/process.mjs says: {"ready"}, then one line per request {"part": "rollOut" | "update"}.
import { createInterface } from 'node:readline';
import * as N from '@unicharacter/native';
import { UnifiedModel } from '../../dist/model/index.js';
import { gradientStep } from '../../dist/train/gradient-step.js';
import { GroupField } from '../../dist/train/grpo/group-field.js';
import { policyPass } from '../../dist/train/grpo/policy-pass.js';
import { POLICY_PARTS } from '../../dist/train/grpo/policy-stage.js';
import { disposeRollOut, rollOut, stepTimes } from '../../dist/train/grpo/roll-out.js';
import { CONFIG, MARKERS, OPTIMIZER } from '../train-step/problem.mjs';
import {
  ADVANTAGES,
  GRID,
  GUIDANCE,
  NOISE,
  NOISE_LEVEL,
  PICTURES,
  POLICY,
  PROMPT,
  SIDE,
  WINDOW,
} from './problem.mjs';

const { tf } = N;
N.selectBackend('native');
N.setStrict(true);
const model = UnifiedModel.load(CONFIG, process.argv[2]);
const { lr, clipNorm, ...settings } = OPTIMIZER;
const learner = {
  trained: { variables: new Map([...model.variables()].filter(([name]) => name.includes('moe_gen'))) },
  optimizer: new N.AdamW(settings),
  clipNorm,
  precision: 'bf16',
};
const shape = { count: PICTURES, rows: SIDE, columns: SIDE };
const guidance = { text: GUIDANCE, image: 1, interval: [0, 1], renorm: 'global', renormMin: 0 };
const noiseOf = (index) => tf.tensor3d(NOISE[index], [PICTURES, SIDE * SIDE, CONFIG.latent.tokenDim]);

let field;
let drawn;

async function draw() {
  field?.dispose();
  if (drawn) disposeRollOut(drawn);
  field = new GroupField(model, MARKERS, PROMPT, shape, guidance);
  drawn = await rollOut(field, {
    grid: GRID,
    ...WINDOW,
    noiseLevel: NOISE_LEVEL,
    precision: 'bf16',
    noise: { initial: () => noiseOf(0), step: (index) => noiseOf(1 + index - WINDOW.start) },
  });
  return { latents: [...(await drawn.latents.data())] };
}

async function learn() {
  const open = Array.from({ length: WINDOW.size }, (_, step) => () => {
    const times = stepTimes(GRID, WINDOW.start + step, NOISE_LEVEL);
    const [from, to] = [drawn.states[step], drawn.states[step + 1]];
    return policyPass(
      { field, from, to, times, advantages: ADVANTAGES },
      { policy: POLICY, share: 1 / (PICTURES * WINDOW.size), recompute: false },
    );
  });
  const { total, gradNorm } = await gradientStep(learner, lr, open, POLICY_PARTS);
  return { total, gradNorm };
}

const answer = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
answer({
  ready: `this project, ${N.nativeInfo().threads} threads, bf16 autocast, all pictures in one packed row`,
});
for await (const line of createInterface({ input: process.stdin })) {
  const start = performance.now();
  const result = await (JSON.parse(line).part === 'rollOut' ? draw() : learn());
  answer({ ms: performance.now() - start, ...result });
}
