import Type from 'typebox';
import { optimizer, trainable } from './schema-groups.js';
import { fraction, group, integer, number, oneOf, path, paths, positive, text } from './schema-parts.js';

/** Clipping, advantages and anchor: the same for pictures and replies (spec 7.6). */
function policy<Anchor extends string[]>(
  clip: { low: number; high: number; unit: string },
  anchors: readonly [...Anchor],
  anchor: Anchor[number],
) {
  return {
    clipLow: positive(
      clip.low,
      `The probability ratio ${clip.unit} may fall to 1 − this before a sample stops teaching.`,
      { maximum: 1, published: '1e-5' },
    ),
    clipHigh: positive(clip.high, 'The probability ratio may rise to 1 + this.', { published: '1e-5' }),
    advantageClip: positive(5, 'Advantages are limited to ± this.', { published: '5' }),
    advantageScope: oneOf(
      ['group', 'global', 'none'],
      'group',
      'Standard deviation that advantages are divided by: of the group, of the whole epoch, or none.',
      { published: 'group' },
    ),
    anchor: group('What holds the policy near the one it started from', {
      kind: oneOf(anchors, anchor, 'What is penalised.', { published: 'none' }),
      weight: number(0.01, 'Weight of the penalty.', { minimum: 0, published: '0' }),
    }),
  };
}

const epoch = (defaults: { prompts: number; groupSize: number; updates: number }) => ({
  promptsPerEpoch: integer(defaults.prompts, 'Prompts per epoch, each drawn as one group.', {
    minimum: 1,
    published: '48',
  }),
  groupSize: integer(defaults.groupSize, 'Samples per prompt; what they are compared with is their group.', {
    minimum: 2,
    published: '8',
  }),
  updates: integer(defaults.updates, 'Optimizer steps that an epoch is split into.', {
    minimum: 1,
    published: '2',
  }),
  innerEpochs: integer(1, 'How often the samples of an epoch are learnt from.', {
    minimum: 1,
    published: '1',
  }),
});

/** Character-GRPO on pictures (spec 7). */
export const grpo = group(
  'Character-GRPO: the character draws groups of pictures and learns from their rewards',
  {
    epochs: integer(20, 'Epochs: draw, judge, learn. 0 leaves the stage out of "all".', {
      minimum: 0,
      published: '101',
    }),
    ...epoch({ prompts: 4, groupSize: 8, updates: 1 }),
    every: integer(5, 'Epochs between checkpoints and between samples; 0 saves at the end only.', {
      minimum: 0,
      published: '10',
    }),
    imagesPerPass: integer(
      8,
      'Pictures of a group that go through the model at once; fewer need less memory.',
      {
        minimum: 1,
      },
    ),
    prompts: Type.Optional(
      path(
        'data',
        'Prompt file of RoleScape (<name>_pure_t2i_with_vqa.jsonl). Unless told, prompts are the instructions of the ' +
          'scenes, with the questions about their pictures.',
      ),
    ),
    sampling: group('How the pictures of a group are drawn', {
      steps: integer(15, 'Points of the time grid; one step of the network fewer.', {
        minimum: 3,
        published: '15',
      }),
      shift: positive(3, 'Shift of the time grid.', { published: '3' }),
      guidance: number(
        4,
        'Scale of guidance, in drawing and in learning; 1 switches it off (twice as fast).',
        {
          minimum: 1,
          published: '4',
        },
      ),
      noiseLevel: positive(0.7, 'Noise of the stochastic steps.', { published: '1.3' }),
      sameNoise: Type.Boolean({
        default: false,
        description:
          'Begin all pictures of a group with the same noise, so that only the stochastic steps differ.',
        published: 'false',
      }),
    }),
    thinking: group('Think before drawing: what a picture is worth teaches its plan in words, too', {
      weight: number(
        0,
        'Weight of what plans learn beside what pictures learn; 0 draws without a plan. Plans are made for the scenes of ' +
          'the data, and the adapter has to update the understanding expert (train.lora.und).',
        { minimum: 0, published: 'none' },
      ),
      temperature: positive(1, 'Plans are sampled at this temperature.', { maximum: 5 }),
      maxTokens: integer(120, 'Longest plan in tokens.', { minimum: 1 }),
    }),
    window: group('The steps that are stochastic and learnt from; all others follow the flow', {
      schedule: oneOf(
        ['random', 'fixed', 'sliding'],
        'random',
        'Where the window lies: drawn anew for each group, fixed at `from`, or sliding from `from` to `to` over the ' +
          'epochs (MixGRPO).',
        { published: 'fixed, another place on each GPU' },
      ),
      size: integer(2, 'Steps in the window. 1 or 2 make epochs fast.', { minimum: 1, published: '3' }),
      from: integer(0, 'First step that may be in the window.', { minimum: 0, published: '0' }),
      to: integer(7, 'The window ends before this step.', { minimum: 1, published: '7' }),
    }),
    ...policy({ low: 1e-3, high: 1e-3, unit: 'of a step' }, ['none', 'kl', 'velocity'], 'velocity'),
    train: trainable({ mode: 'lora', und: [], parts: ['moe_gen'] }),
    emaDecay: number(
      0,
      'Decay of the running mean of the weights that is saved beside them; 0 switches it off.',
      {
        minimum: 0,
        exclusiveMaximum: 1,
        published: '0',
      },
    ),
    activationCheckpointing: Type.Boolean({
      default: false,
      description: 'Compute activations a second time instead of keeping them.',
      published: 'true',
    }),
    optimizer: optimizer({ lr: 3e-4, warmupSteps: 0, decay: 'constant' }),
    rewards: group('What pictures are rewarded for; each reward counts with its weight, 0 switches it off', {
      vqa: number(0.3, 'Answers to questions about the picture.', { minimum: 0, published: '0.3' }),
      questions: integer(
        0,
        'Questions about each picture, drawn anew for each group; 0 asks all. Fewer judge faster.',
        { minimum: 0, published: '0' },
      ),
      alignment: number(
        0.45,
        'Similarity of picture and prompt; needs the folder of a CLIP, and is left out without.',
        { minimum: 0, published: '0.45' },
      ),
      identity: number(
        0,
        'Similarity of picture and the description of the character, by the same CLIP: prompts only name it.',
        { minimum: 0, published: 'none' },
      ),
      look: Type.Optional(
        text(
          'What the character looks like, for identity. The first sentence of its description unless told.',
        ),
      ),
      diversity: number(0.1, 'Distance to the other pictures of the group (LPIPS).', {
        minimum: 0,
        published: '0.1',
      }),
      similarity: number(
        0.15,
        'Penalty for leaving the window of similarity to the training pictures (DINOv2).',
        {
          minimum: 0,
          published: '0.15',
        },
      ),
      similarityLow: number(0.5, 'Less similar than this is not the character.', { published: '0.5' }),
      similarityHigh: number(0.9, 'More similar than this is copied.', { published: '0.9' }),
      diversityCredit: oneOf(
        ['image', 'group'],
        'image',
        'Credit for distance: to each picture its own mean distance, or one value for the group, which cancels itself out.',
        { published: 'group' },
      ),
      clip: Type.Optional(path('model', 'Folder of a CLIP that judges alignment.')),
      blipVqa: Type.Optional(
        path('model', 'Folder of a BLIP-VQA that answers the questions, instead of the model itself.'),
      ),
      lpips: Type.Optional(
        path('model', 'Folder of an LPIPS that measures distances, instead of their thumbnails.'),
      ),
      dino: Type.Optional(
        path('model', 'Folder of a DINOv2 that measures similarity, instead of their thumbnails.'),
      ),
    }),
  },
);

/** GRPO on replies. */
export const textGrpo = group(
  'GRPO on replies: the character answers in groups and learns from the rewards of persona and style',
  {
    epochs: integer(0, 'Epochs; 0 leaves the stage out of "all".', { minimum: 0 }),
    ...epoch({ prompts: 8, groupSize: 8, updates: 1 }),
    every: integer(5, 'Epochs between checkpoints and between samples; 0 saves at the end only.', {
      minimum: 0,
    }),
    temperature: positive(
      1,
      'Temperature of the replies that are judged; the policy that learns is the one at this temperature.',
      { maximum: 5 },
    ),
    maxTokens: integer(60, 'Longest reply in tokens.', { minimum: 1 }),
    ...policy({ low: 0.2, high: 0.28, unit: 'of a token' }, ['none', 'kl'], 'kl'),
    train: trainable({ mode: 'lora', und: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], parts: [] }),
    optimizer: optimizer({ lr: 3e-4, warmupSteps: 0, decay: 'constant' }),
    rewards: group('What replies are rewarded for', {
      persona: number(1, 'Sounds like the character, not like others.', { minimum: 0 }),
      length: number(0.3, 'As long as the lines of the character.', { minimum: 0 }),
      repetition: number(0.3, 'Does not repeat itself.', { minimum: 0 }),
      others: Type.Optional(
        paths(
          'data',
          'Folders of other characters to tell the character from; unless told, the people who talk to it.',
        ),
      ),
    }),
  },
);

/** Limits of what is watched while pictures are rewarded. */
export const alarms = group('Signs of reward hacking and collapse, watched in Character-GRPO.', {
  stop: Type.Boolean({
    default: false,
    description: 'Save and stop at an alarm, instead of only saying it.',
  }),
  diversityBelow: fraction(0.5, 'Diversity within groups, as a share of what it was in the first epoch.'),
  colourEntropyBelow: fraction(0.6, 'Entropy of the colours, as a share of the first epoch.'),
  edgeDensityBelow: fraction(0.4, 'Density of edges, as a share of the first epoch.'),
  similarityAbove: number(0.98, 'Similarity to the nearest training picture.'),
  zeroVarianceAbove: fraction(0.8, 'Share of groups whose rewards are all equal.'),
  klAbove: positive(1, 'Divergence from the policy that the stage started from.'),
});
