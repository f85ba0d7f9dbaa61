import { noGrad, tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeTinyModels, tinyModels } from '../../../test/tiny-model.js';
import { characterFolder } from '../../../test/train/tiny-run.js';
import { loadConfig } from '../../config/index.js';
import { thinkingPrompt } from '../../data/index.js';
import type { GenerationModels } from '../../generate/index.js';
import { isGenerationExpert } from '../../model/index.js';
import { streams } from '../../random/keyed-random.js';
import { compositeReward, type RewardSample } from '../../reward/index.js';
import type { TrainEvent } from '../../run/train-event.js';
import type { Trained } from '../training-stage.js';
import { speak } from './speak.js';
import { ReplyLogProbs } from './text-policy-pass.js';
import { ThinkingGrpoStage } from './thinking-grpo-stage.js';

const GROUP = 8;
const scene = { user: 'Where are you?', reply: 'In the garden.' };
const description = 'A robin.';
const options = {
  data: characterFolder,
  'grpo.epochs': 2,
  'grpo.promptsPerEpoch': 1,
  'grpo.groupSize': GROUP,
  'grpo.sampling.steps': 5,
  'grpo.sampling.guidance': 1,
  'grpo.window.to': 3,
  'grpo.anchor.kind': 'none',
  'grpo.thinking.weight': 1,
  'grpo.thinking.maxTokens': 8,
  'textGrpo.anchor.kind': 'none',
};
const config = { ...loadConfig(undefined, options), precision: 'float32' as const };

/** Rewards bright pictures, and knows nothing of plans. */
const brightness = () =>
  compositeReward<RewardSample>([
    {
      weight: 1,
      model: {
        name: 'brightness',
        provenance: {},
        score: async (samples) => ({
          values: Float64Array.from(
            samples,
            ({ image }) => image.data.reduce((sum, value) => sum + value, 0) / image.data.length,
          ),
          details: samples.map(() => ({})),
        }),
        dispose: () => {},
      },
    },
  ]);

let models: GenerationModels;
beforeAll(() => {
  models = tinyModels();
  const { images } = models.model.config;
  Object.assign(images, { defaultSize: { width: 32, height: 32 } });
  const head = models.model.variables().get('llm2vae.weight') as tf.Variable;
  tf.tidy(() => head.assign(tf.randomNormal(head.shape, 0, 0.2, 'float32', 1)));
});
afterAll(() => disposeTinyModels(models));

const plans = () =>
  speak(
    models,
    thinkingPrompt({ ...scene, description }),
    {
      count: GROUP,
      temperature: config.grpo.thinking.temperature,
      maxTokens: config.grpo.thinking.maxTokens,
      precision: 'float32',
      seed: config.seed,
      stream: streams.grpoPlans,
      first: 0,
    },
    undefined,
  );

/** Mean log-probability of the tokens of each plan. */
function meanLogProbs(logProbs: ReplyLogProbs, lengths: readonly number[]): number[] {
  const values = tf.tidy(() => [...noGrad(() => logProbs.values()).dataSync<'float32'>()]);
  return lengths.map((length) => values.splice(0, length).reduce((sum, value) => sum + value, 0) / length);
}

describe('ThinkingGrpoStage', () => {
  it('teaches both experts by the picture: plans of better pictures become likelier', async () => {
    const variables = new Map(
      [...models.model.variables()].filter(([name]) => name.startsWith('language_model.')),
    );
    const before = new Map([...variables].map(([name, variable]) => [name, [...variable.dataSync()]]));
    const tensors = tf.memory().numTensors;
    const events: TrainEvent[] = [];
    const stage = new ThinkingGrpoStage(
      {
        models,
        trained: { variables } as unknown as Trained,
        prompts: [{ prompt: 'a robin in a garden', questions: [], scene }],
        reward: brightness(),
        references: [{ width: 1, height: 1, data: new Uint8Array(3) }],
        emit: (event) => events.push(event),
        character: { description },
      },
      config,
    );
    const { replies } = await plans();
    const logProbs = new ReplyLogProbs(models.model, models.tokenizer.special, replies, 1);
    const lengths = replies.map(({ ids, ended }) => ids.length + (ended ? 1 : 0));
    const old = meanLogProbs(logProbs, lengths);
    const outcome = await stage.advance(0, 0.002);
    const now = meanLogProbs(logProbs, lengths);
    logProbs.dispose();
    stage.dispose();
    expect(tf.memory().numTensors).toBe(tensors);

    const judged = events.find((event) => event.type === 'rewards')!;
    const { total } = judged.prompts[0]!;
    const mean = total.reduce((sum, value) => sum + value, 0) / GROUP;
    const gain = total.reduce((sum, value, i) => sum + (value - mean) * (now[i]! - old[i]!), 0);
    expect(gain).toBeGreaterThan(0);
    for (const gen of [true, false]) {
      const own = [...variables].filter(([name]) => isGenerationExpert(name) === gen);
      const moved = own.filter(([name, variable]) =>
        variable.dataSync().some((value, i) => value !== before.get(name)![i]),
      );
      expect(moved.length / own.length).toBeGreaterThan(0.5);
    }
    expect(outcome.measures!.ratio).toBeCloseTo(1, 3);
    expect(outcome.measures!['plan/ratio']).toBeCloseTo(1, 3);
    expect(Object.keys(outcome.losses)).toEqual(['total', 'policy', 'anchor', 'plan/policy', 'plan/anchor']);
  });

  it('says when there is no scene to think about', async () => {
    const stage = new ThinkingGrpoStage(
      {
        models,
        trained: { variables: new Map() } as unknown as Trained,
        prompts: [{ prompt: 'a robin', questions: [] }],
        reward: brightness(),
        references: [],
        emit: () => {},
        character: { description },
      },
      config,
    );
    await expect(stage.advance(0, 0.1)).rejects.toThrow(
      /words of a scene to think about, found none for "a robin"/,
    );
    stage.dispose();
  });
});
