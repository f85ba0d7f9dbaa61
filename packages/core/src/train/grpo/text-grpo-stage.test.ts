import { tf } from '@unicharacter/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeTinyModels, tinyModels } from '../../../test/tiny-model.js';
import { characterFolder } from '../../../test/train/tiny-run.js';
import { loadConfig } from '../../config/index.js';
import type { GenerationModels } from '../../generate/index.js';
import { isGenerationExpert } from '../../model/index.js';
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
});
