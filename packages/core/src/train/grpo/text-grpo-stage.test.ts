import { tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeTinyModels, tinyModels } from '../../../test/tiny-model.js';
import { characterFolder } from '../../../test/train/tiny-run.js';
import { loadConfig } from '../../config/index.js';
import { answer, type GenerationModels } from '../../generate/index.js';
import { HEAD_NAME, isGenerationExpert } from '../../model/index.js';
import { KeyedRandom, streams } from '../../random/keyed-random.js';
import { compositeReward, type TextRewardSample } from '../../reward/index.js';
import type { Trained } from '../training-stage.js';
import { TextGrpoStage } from './text-grpo-stage.js';

const EPOCHS = 10;
const LEARNING_RATE = 0.03;
/** The mean reward of epochs that learn next to nothing varies by a standard deviation of about 0.005. */
const MARGIN = 0.1;

/** Rewards a reply for the share of its characters that are the letter e. */
const letterE = () =>
  compositeReward<TextRewardSample>([
    {
      weight: 1,
      model: {
        name: 'letter e',
        provenance: {},
        score: async (samples) => ({
          values: Float64Array.from(
            samples,
            ({ reply }) => (reply.match(/e/g) ?? []).length / Math.max(1, reply.length),
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
});
afterAll(() => disposeTinyModels(models));

describe('TextGrpoStage', () => {
  it('learns what is rewarded, from replies drawn at another temperature than 1', async () => {
    const variables = new Map(
      [...models.model.variables()].filter(
        ([name]) => name.startsWith('language_model.') && !isGenerationExpert(name),
      ),
    );
    expect(variables.size).toBeGreaterThan(20);
    const trained = { variables } as unknown as Trained;
    const config = loadConfig(undefined, {
      data: characterFolder,
      'textGrpo.epochs': EPOCHS,
      'textGrpo.temperature': 0.7,
      'textGrpo.groupSize': 16,
      'textGrpo.maxTokens': 6,
      'textGrpo.anchor.kind': 'none',
    });
    const before = tf.memory().numTensors;
    const stage = new TextGrpoStage(
      {
        character: 'Olmo',
        models,
        trained,
        prompts: ['hello', 'who are you?'].map((user) => ({ user, prompt: user })),
        reward: letterE(),
        emit: () => {},
      },
      { ...config, precision: 'float32' },
    );
    const rewards: number[] = [];
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      const { rewards: means } = await stage.advance(epoch, LEARNING_RATE);
      rewards.push(means!.total!);
    }
    stage.dispose();
    expect(tf.memory().numTensors).toBe(before);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(rewards.slice(-2))).toBeGreaterThan(mean(rewards.slice(0, 2)) + MARGIN);
  });

  it('draws in the precision in which it learns, and leaves the model as it was', async () => {
    const head = models.model.variables().get(HEAD_NAME) as tf.Variable;
    tf.tidy(() => head.assign(tf.randomNormal(head.shape, 0, 0.5, 'float32', 1)));
    const options = { temperature: 1, topP: 1, maxTokens: 16 };
    const config = loadConfig(undefined, {
      data: characterFolder,
      'textGrpo.epochs': 1,
      'textGrpo.promptsPerEpoch': 1,
      'textGrpo.groupSize': 12,
      'textGrpo.maxTokens': options.maxTokens,
      'textGrpo.anchor.kind': 'none',
    });
    const heard: string[] = [];
    // Replies that are all worth the same teach nothing: only the drawing is looked at.
    const listening = {
      ...letterE(),
      score: async (samples: readonly TextRewardSample[]) => {
        heard.push(...samples.map(({ reply }) => reply));
        return { totals: new Float64Array(samples.length), parts: {} };
      },
    };
    const stage = new TextGrpoStage(
      {
        character: 'Olmo',
        models,
        trained: { variables: new Map() } as unknown as Trained,
        prompts: [{ user: 'hello', prompt: 'hello' }],
        reward: listening,
        emit: () => {},
      },
      { ...config, precision: 'bf16' },
    );
    await stage.advance(0, LEARNING_RATE);
    stage.dispose();
    expect(models.model.inferencePrecision).toBe('float32');
    const said = async (precision: 'bf16' | 'float32') => {
      models.model.inferencePrecision = precision;
      const texts: string[] = [];
      for (let i = 0; i < 12; i++) {
        const seed = new KeyedRandom(config.seed, streams.grpoText, [i]).bits();
        texts.push((await answer(models, [{ kind: 'text', text: 'hello' }], { ...options, seed })).text);
      }
      models.model.inferencePrecision = 'float32';
      return texts;
    };
    expect(heard).toEqual(await said('bf16'));
    expect(heard).not.toEqual(await said('float32'));
  });
});
