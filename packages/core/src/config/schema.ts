import Type, { type Static } from 'typebox';
import { defaultMix, TASKS, type Task } from '../data/tasks.js';
import { LORA_PROJECTIONS } from '../model/lora-settings.js';
import { alarms, grpo, textGrpo } from './policy-schema.js';
import { optimizer, PRECISIONS, trainable, unit } from './schema-groups.js';
import { fraction, group, integer, number, oneOf, path, positive, texts } from './schema-parts.js';

const RENORMALISATIONS = ['global', 'channel', 'text_channel'] as const;

const taskWeights = Object.fromEntries(TASKS.map((task) => [task, number(0, '', { minimum: 0 })])) as Record<
  Task,
  ReturnType<typeof number>
>;

const vae = group('Training of the image autoencoder; skipped when the base model has a trained one', {
  steps: integer(600, 'Optimizer steps.', {
    minimum: 1,
    published: 'none, the VAE is ready-made and frozen',
  }),
  batchSize: integer(8, 'Crops per step.', { minimum: 1 }),
  crop: integer(64, 'Side of the square crops in pixels, a multiple of 16.', { minimum: 16, multipleOf: 16 }),
  flip: Type.Boolean({ default: true, description: 'Mirror half of the crops.' }),
  gradientWeight: number(1, 'Weight of the error of edges, at three scales.', { minimum: 0 }),
  klWeight: number(1e-6, 'Weight of the KL divergence that keeps latents near a standard normal.', {
    minimum: 0,
  }),
  optimizer: optimizer({ lr: 1e-3, warmupSteps: 20, decay: 'cosine' }),
});

const sft = group('Unified-SFT: one model learns to talk, to answer and to draw from mixed packs', {
  steps: integer(300, 'Optimizer steps.', { minimum: 1, published: '501' }),
  tokensPerPack: integer(
    2048,
    'A pack takes samples until it holds this many tokens; the last may exceed it.',
    {
      minimum: 16,
      published: '8192 expected, 12288 at most',
    },
  ),
  mix: Type.Object(taskWeights, {
    additionalProperties: false,
    default: { ...defaultMix },
    description:
      'How often each task is drawn: relative weights; a task that is left out of a mix has weight 0. ' +
      'The published recipe draws one picture task and one text task per pack, then picture tasks only.',
  }),
  prior: group('General data that are mixed in, so that what the base can do is not forgotten', {
    data: Type.Optional(
      path(
        'data',
        'Folder of general data, laid out as that of a character: other characters, everyday pictures.',
      ),
    ),
    share: Type.Number({
      default: 0.2,
      minimum: 0,
      maximum: 0.9,
      description: 'Their share of all draws; the tasks of the mix are drawn in what is left.',
      published: '0',
    }),
  }),
  accumulation: integer(
    1,
    'Packs per optimizer step, one after the other: a larger batch in the same memory.',
    {
      minimum: 1,
      published: '1',
    },
  ),
  train: trainable({ mode: 'auto', und: [...LORA_PROJECTIONS], parts: [] }),
  ceWeight: number(0.25, 'Weight of the cross-entropy of text.', { minimum: 0, published: '0.25' }),
  mseWeight: number(1, 'Weight of the flow-matching error of pictures.', { minimum: 0, published: '1' }),
  ceReweighting: Type.Boolean({
    default: false,
    description: 'Tokens of an answer of n tokens count 1/√n, so that long answers do not drown short ones.',
    published: 'false',
  }),
  conditionDropout: group('Chance that a condition of a picture is left out, which makes guidance possible', {
    text: fraction(0.1, 'Text.', { published: '0.1' }),
    vae: fraction(0.3, 'A picture given as latents.', { published: '0.3' }),
    vit: fraction(0.3, 'A picture given as patches.', { published: '0.3' }),
  }),
  timestepShift: positive(1, 'Shift of the time steps drawn in training; above 1 means more noise.', {
    published: '1',
  }),
  emaDecay: number(
    0,
    'Decay of the running mean of the weights that is saved beside them; 0 switches it off.',
    {
      minimum: 0,
      exclusiveMaximum: 1,
      published: '0.9999, computed but not saved',
    },
  ),
  activationCheckpointing: Type.Boolean({
    default: false,
    description:
      'Compute activations a second time instead of keeping them: less memory, about a third slower.',
    published: 'true',
  }),
  optimizer: optimizer({ lr: 3e-4, warmupSteps: 10, decay: 'constant' }),
});

const image = group('Drawing (spec 5.5)', {
  steps: integer(25, 'Points of the time grid; one step of the network fewer.', {
    minimum: 2,
    published: '50',
  }),
  shift: positive(3, 'Shift of the time grid; above 1 spends more steps near noise.', { published: '3' }),
  guidance: group('Classifier-free guidance', {
    text: number(4, 'Scale for the prompt; 1 or less switches guidance off.', {
      minimum: 0,
      published: '4',
    }),
    image: number(1, 'Scale for a picture that is given; 1 switches it off.', {
      minimum: 0,
      published: '1',
    }),
    interval: Type.Tuple([unit, unit], {
      default: [0.4, 1],
      description: 'Times between which guidance applies; 1 is pure noise, 0 the picture.',
      published: '[0.4, 1]',
    }),
    renorm: oneOf(RENORMALISATIONS, 'global', 'Over what the norm of the guided velocity is kept.', {
      published: 'global',
    }),
    renormMin: fraction(0, 'Smallest factor of that renormalisation; 1 switches it off.', { published: '0' }),
  }),
});

/**
 * Everything that a training run can be told, with its default, bounds, meaning and - where it differs or matters - the
 * value of the published recipe. The commented YAML files are made from this schema, and nothing else holds a default.
 */
export const TrainConfigSchema = group('Configuration of a training run', {
  data: path('data', 'Folder of the character: pictures, dialogues, descriptions.'),
  out: path('data', 'Run folder to write; runs/<name of the data folder> unless told.'),
  base: path('model', 'Folder of the base model.', 'models/nano'),
  seed: integer(42, 'Seed of all random numbers of the run.', { minimum: 0, maximum: 0xffffffff }),
  precision: oneOf(
    PRECISIONS,
    'float32',
    'Arithmetic of products and attention; sums and weights are always float32.',
    {
      published: 'bf16',
    },
  ),
  image: group('Pictures in training', {
    size: integer(128, 'Longest side in pixels, a multiple of 16.', {
      minimum: 32,
      maximum: 1024,
      multipleOf: 16,
      published: '1024',
    }),
    most: integer(
      0,
      'Train on at most that many pictures of the folder, drawn by the seed (fewer are among more); what the data say about ' +
        'the others is left out. 0 takes all.',
      { minimum: 0, published: 'all' },
    ),
  }),
  stage: oneOf(
    ['sft', 'grpo', 'text-grpo', 'all'],
    'sft',
    'What to train: Unified-SFT, Character-GRPO on pictures or on replies (both go on from a finished Unified-SFT), ' +
      'or all one after the other.',
  ),
  vae,
  sft,
  grpo,
  textGrpo,
  alarms,
  cache: group('Latents of pictures and token ids of texts on disk, shared by runs', {
    folder: Type.Optional(path('data', 'Where they lie; .encoded beside the run folder unless told.')),
    megabytes: integer(1024, 'What was used longest ago is removed beyond this size.', { minimum: 0 }),
  }),
  checkpoints: group('What is kept to continue from', {
    every: integer(60, 'Steps between checkpoints; 0 saves at the end only.', {
      minimum: 0,
      published: '500',
    }),
    keep: integer(2, 'Newest checkpoints that are kept.', { minimum: 1 }),
    keepBest: Type.Boolean({
      default: true,
      description: 'Keep the best one too: the lowest loss on held-out data, or the highest mean reward.',
    }),
  }),
  validation: group('Losses on held-out data; the held-out dialogues of the data folder are always used', {
    every: integer(
      60,
      'Steps between measurements; 0 measures before the first and after the last step only.',
      {
        minimum: 0,
      },
    ),
    data: Type.Optional(path('data', 'Folder of held-out data of the same character, never trained on.')),
  }),
  samples: group('Answers and pictures made during training, always of the same prompts', {
    every: integer(60, 'Steps between samples; 0 samples before the first and after the last step only.', {
      minimum: 0,
    }),
    seed: integer(7, 'Seed of the first prompt; the next ones count up.', {
      minimum: 0,
      maximum: 0xffffffff,
    }),
    talk: Type.Optional(texts('What is said to the character. Taken from the data unless told.')),
    draw: Type.Optional(texts('What the character is to draw. Taken from the data unless told.')),
  }),
  generate: group('How the trained character answers and draws unless a request says otherwise', {
    text: group('Writing (spec 5.6)', {
      temperature: number(0.7, '0 always takes the likeliest token.', {
        minimum: 0,
        maximum: 5,
        published: '0.7',
      }),
      topP: positive(1, 'Sample from the likeliest tokens that together have this probability.', {
        maximum: 1,
        published: '1',
      }),
      maxTokens: integer(200, 'Longest answer in tokens.', { minimum: 1, published: '500' }),
    }),
    image,
  }),
});

/** A complete training configuration. */
export type TrainConfig = Static<typeof TrainConfigSchema>;
