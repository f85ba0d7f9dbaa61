import Type from 'typebox';
import { LORA_PROJECTIONS, type LoraProjection } from '../model/lora-settings.js';
import { group, integer, number, oneOf, positive } from './schema-parts.js';

export const PRECISIONS = ['float32', 'bf16'] as const;
const MOMENT_TYPES = ['float32', 'bf16', 'int8'] as const;
const DECAYS = ['constant', 'cosine'] as const;
const TRAINED = ['auto', 'lora', 'full', 'parts'] as const;

/** An entry of a pair; without a default, so that a pair that lacks one entry is noticed. */
export const unit = Type.Number({ minimum: 0, maximum: 1 });

/** AdamW and its learning rate; `published` names the values of the paper's recipe (spec 6.1). */
export function optimizer(defaults: { lr: number; warmupSteps: number; decay: (typeof DECAYS)[number] }) {
  return group('AdamW and the learning rate over the steps', {
    lr: positive(defaults.lr, 'Peak learning rate.', {
      maximum: 1,
      published: '2e-5, for a model 5,000 times as large',
    }),
    warmupSteps: integer(defaults.warmupSteps, 'Steps over which the learning rate rises linearly.', {
      minimum: 0,
      published: '0',
    }),
    decay: oneOf(
      DECAYS,
      defaults.decay,
      'Learning rate after the warm-up: constant, or half a cosine down to minLr.',
      {
        published: 'constant',
      },
    ),
    minLr: number(0, 'Learning rate at the end of the cosine.', {
      minimum: 0,
      maximum: 1,
      published: '1e-7',
    }),
    betas: Type.Tuple([unit, unit], {
      default: [0.9, 0.95],
      description: 'Decay of the running mean of gradients and of their squares.',
      published: '[0.9, 0.95]',
    }),
    eps: positive(
      1e-8,
      'Added to the root of the second moment. With a tiny eps a weight whose gradients are mere rounding noise ' +
        '(a rare word, say) still moves by the full learning rate at every step.',
      { maximum: 1, published: '1e-15' },
    ),
    weightDecay: number(0, 'Decoupled weight decay.', { minimum: 0, maximum: 1, published: '0' }),
    state: oneOf(
      MOMENT_TYPES,
      'float32',
      'How the running means are stored: bf16 takes half the memory, int8 a quarter (codes of a byte in blocks of 256). Both ' +
        'round at random, so that small changes count.',
    ),
    clipNorm: number(1, 'Global L2 norm to which gradients are clipped; 0 switches clipping off.', {
      minimum: 0,
      published: '1',
    }),
  });
}

/** What a stage changes. A stage that continues another keeps its kind of adapter. */
export function trainable(defaults: {
  mode: (typeof TRAINED)[number];
  und: LoraProjection[];
  parts: string[];
}) {
  const projections = (of: string, byDefault: readonly LoraProjection[]) =>
    Type.Array(Type.Enum([...LORA_PROJECTIONS]), {
      default: [...byDefault],
      description: `Projections of the ${of} expert that the adapter updates.`,
    });
  return group('What is trained', {
    mode: oneOf(
      TRAINED,
      defaults.mode,
      'lora: a low-rank adapter beside frozen weights; full: every weight; parts: the weights named below; ' +
        'auto: lora when the base model has weights, full when it starts from nothing.',
      { published: 'full' },
    ),
    parts: Type.Array(Type.String({ minLength: 1 }), {
      default: defaults.parts,
      description:
        'Pieces of weight names; with mode parts, weights whose name contains one of them are trained.',
    }),
    lora: group('Low-rank adapter', {
      rank: integer(16, 'Rank of the updates.', { minimum: 1, maximum: 1024 }),
      alpha: positive(32, 'Updates are scaled by alpha / rank.'),
      rankStabilised: Type.Boolean({ default: false, description: 'Scale by alpha / √rank instead.' }),
      dora: Type.Boolean({
        default: false,
        description:
          'DoRA: learn the length of each row of a weight apart from its direction. Nearer to full training at the same rank, ' +
          'a little slower, and each updated projection keeps one more result per token.',
      }),
      und: projections('understanding', defaults.und),
      gen: projections('generation', LORA_PROJECTIONS),
    }),
  });
}
