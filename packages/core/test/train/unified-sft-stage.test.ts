import { tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { type EncodedItem, UnifiedModel } from '../../src/model/index.js';
import { PackSampler } from '../../src/train/pack-sampler.js';
import type { EncodedTask } from '../../src/train/task-encoder.js';
import { TrainedModel } from '../../src/train/trained-weights.js';
import { UnifiedSftStage } from '../../src/train/unified-sft-stage.js';
import { textItem, tiny, tokenizer, useStrictNative, wave } from '../tiny-model.js';

const { tokenDim } = tiny.latent;
const picture = (rows: number): EncodedItem => ({
  kind: 'vae',
  latents: wave(rows * 2 * tokenDim),
  deviations: wave(rows * 2 * tokenDim, 0.1).map(Math.abs),
  rows,
  columns: 2,
  loss: true,
  droppable: false,
});
const samples: EncodedTask[] = [
  { id: 'a', task: 'dialogue', items: [textItem([5, 6]), textItem([7, 8, 9, 10, 11], true)] },
  { id: 'b', task: 't2i', items: [textItem([12, 13], false, true), picture(2)] },
  { id: 'c', task: 'knowledge_qa', items: [textItem([14]), textItem([15], true)] },
  { id: 'd', task: 't2i', items: [textItem([16], false, true), picture(3)] },
];

const sampler = () => new PackSampler(samples, { dialogue: 1, t2i: 1, knowledge_qa: 1 }, 42);

beforeAll(useStrictNative);

function stageWith(options: Record<string, unknown>) {
  const model = UnifiedModel.init(tiny, 5);
  tf.tidy(() =>
    model
      .variables()
      .get('llm2vae.weight')!
      .assign(tf.tensor2d(wave(tokenDim * 32, 0.3), [tokenDim, 32])),
  );
  const config = loadConfig(undefined, { data: '.', ...options });
  const trained = new TrainedModel(model);
  const stage = new UnifiedSftStage(model, trained, sampler(), tokenizer.special, config);
  return { model, stage };
}

/** Losses and weights after one step on the given packs. */
async function oneStep(packs: EncodedTask[][], options: Record<string, unknown> = {}) {
  const { model, stage } = stageWith(options);
  const outcome = await stage.learn(packs, 3, 0.01);
  const weights = [...stage.trained.variables.values()].flatMap((variable) => [...variable.dataSync()]);
  stage.dispose();
  model.dispose();
  return { outcome, weights };
}

const [a, b, c, d] = samples as [EncodedTask, EncodedTask, EncodedTask, EncodedTask];

describe('UnifiedSftStage', () => {
  it('learns the same from one pack and from the same samples in several', async () => {
    const whole = await oneStep([[a, b, c, d]]);
    for (const packs of [
      [
        [a, b],
        [c, d],
      ],
      [[a], [b, c], [d]],
    ]) {
      const split = await oneStep(packs);
      expect(split.outcome.tokens).toBe(whole.outcome.tokens);
      for (const [name, value] of Object.entries(whole.outcome.losses)) {
        expect(split.outcome.losses[name], name).toBeCloseTo(value, 5);
      }
      expect(split.outcome.gradNorm).toBeCloseTo(whole.outcome.gradNorm, 4);
      // Adam moves a weight by the sign of its gradient at the first step: compare where gradients are not rounding noise.
      const far = whole.weights.filter((weight, i) => Math.abs(weight - split.weights[i]!) > 1e-3).length;
      expect(far / whole.weights.length).toBeLessThan(0.002);
    }
  });

  it('weighs tokens of answers by 1/√length when told', async () => {
    const plain = await oneStep([[a, c]]);
    const weighted = await oneStep([[a, c]], { 'sft.ceReweighting': true });
    const {
      ce,
      'ce/dialogue': long,
      'ce/knowledge_qa': short,
    } = plain.outcome.losses as Record<string, number>;
    // 6 predictions in the dialogue, 2 in the answer.
    expect(ce).toBeCloseTo((6 * long! + 2 * short!) / 8, 5);
    const expected = (Math.sqrt(6) * long! + Math.sqrt(2) * short!) / (Math.sqrt(6) + Math.sqrt(2));
    expect(weighted.outcome.losses.ce).toBeCloseTo(expected, 5);
    expect(weighted.outcome.losses.total).toBeCloseTo(0.25 * expected, 5);
  });

  it('has the same gradients with and without activation checkpointing', async () => {
    const kept = await oneStep([[a, b, d]]);
    const recomputed = await oneStep([[a, b, d]], { 'sft.activationCheckpointing': true });
    expect(recomputed.outcome.gradNorm).toBeCloseTo(kept.outcome.gradNorm, 5);
    expect(recomputed.outcome.losses).toEqual(kept.outcome.losses);
  });

  it.each([
    ['bf16', 0.02],
    ['int8', 0.03],
  ] as const)('learns with %s moments as it does with float32 moments', async (state, tolerance) => {
    const course = async (of: string) => {
      const { model, stage } = stageWith({ 'sft.optimizer.state': of });
      const losses: number[] = [];
      for (let step = 0; step < 40; step++) {
        losses.push((await stage.learn([[a, b, c, d]], step, 0.005)).losses.total!);
      }
      stage.dispose();
      model.dispose();
      return losses;
    };
    const [wide, narrow] = [await course('float32'), await course(state)];
    const mean = (losses: number[], from: number) =>
      losses.slice(from, from + 5).reduce((sum, loss) => sum + loss / 5, 0);
    const learnt = mean(wide, 0) - mean(wide, 35);
    expect(learnt).toBeGreaterThan(0.5);
    for (let from = 0; from < 40; from += 5) {
      expect(Math.abs(mean(narrow, from) - mean(wide, from))).toBeLessThan(tolerance * learnt);
    }
    expect(narrow).not.toEqual(wide);
  });

  it('changes only the named parts', async () => {
    const model = UnifiedModel.init(tiny, 5);
    const before = new Map([...model.variables()].map(([name, v]) => [name, [...v.dataSync()]]));
    const config = loadConfig(undefined, { data: '.' });
    const trained = new TrainedModel(model, ['moe_gen', 'llm2vae']);
    const stage = new UnifiedSftStage(model, trained, sampler(), tokenizer.special, config);
    await stage.learn([[b, d]], 0, 0.01);
    for (const [name, variable] of model.variables()) {
      const changed = variable.dataSync().some((value, i) => value !== before.get(name)![i]);
      if (!/moe_gen|llm2vae/.test(name)) expect(changed, name).toBe(false);
    }
    expect([...model.variables().get('llm2vae.weight')!.dataSync()]).not.toEqual(
      before.get('llm2vae.weight'),
    );
    stage.dispose();
    model.dispose();
    expect(() => new TrainedModel(model, ['nothing_like_it'])).toThrow(
      /no weight has a name with "nothing_like_it"/,
    );
  });
});

afterAll(() => tf.disposeVariables());
