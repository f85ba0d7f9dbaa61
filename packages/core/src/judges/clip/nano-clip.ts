import type { TensorSpec } from '../../model/checkpoint-names.js';
import type { ClipConfig } from '../../reward/towers/clip/config.js';
import { clipSpecs } from '../../reward/towers/clip/specs.js';
import { clipWords } from '../../reward/towers/clip/tokenizer.js';
import { ALPHABET } from '../../tokenizer/byte-alphabet.js';
import { learnMerges } from '../../tokenizer/train-bpe.js';

/** Side of the pictures that the nano CLIP looks at, in pixels. */
export const CLIP_SIDE = 96;

const TOWER = {
  hidden_size: 96,
  intermediate_size: 288,
  num_attention_heads: 4,
  hidden_act: 'quick_gelu',
  layer_norm_eps: 1e-5,
} as const;
const POSITIONS = 72;
const PROJECTION = 96;

/** Merges on top of the bytes: the toy world's language is small. */
const MERGES = 600;
const START = '<|startoftext|>';
const END = '<|endoftext|>';
/** Marks a token that ends a word. */
const WORD_END = '</w>';

export interface ClipVocabulary {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
}

/** Byte-level BPE in CLIP's layout, learnt from captions: bytes, bytes that end a word, merges, the two control tokens. */
export function clipVocabulary(captions: readonly string[]): ClipVocabulary {
  const tokens = [...ALPHABET, ...ALPHABET.map((symbol) => symbol + WORD_END)];
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const counts = new Map<string, number>();
  for (const caption of captions) {
    for (const word of clipWords(caption)) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const words = [...counts].map(([word, count]) => {
    const symbols = [...word];
    return { ids: symbols.map((s, i) => idOf.get(i === symbols.length - 1 ? s + WORD_END : s)!), count };
  });
  const merges = learnMerges(words, tokens, MERGES);
  return { vocab: Object.fromEntries([...tokens, START, END].map((token, id) => [token, id])), merges };
}

/** The files beside the weights, by name, in the published layout. */
export function clipFiles({ vocab, merges }: ClipVocabulary): Readonly<Record<string, string>> {
  const size = Object.keys(vocab).length;
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'config.json': json({
      model_type: 'clip',
      projection_dim: PROJECTION,
      text_config: {
        ...TOWER,
        num_hidden_layers: 3,
        vocab_size: size,
        max_position_embeddings: POSITIONS,
        eos_token_id: size - 1,
      },
      vision_config: { ...TOWER, num_hidden_layers: 4, image_size: CLIP_SIDE, patch_size: 12 },
    }),
    'preprocessor_config.json': json({
      size: { height: CLIP_SIDE, width: CLIP_SIDE },
      do_center_crop: false,
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.5, 0.5, 0.5],
    }),
    'tokenizer_config.json': json({ model_max_length: POSITIONS, bos_token: START, eos_token: END }),
    'vocab.json': json(vocab),
    'merges.txt': `#version: 0.2\n${merges.map((pair) => `${pair.join(' ')}\n`).join('')}`,
  };
}

/** Fresh weights of every tensor: norms are the identity, other weights normal with a deviation that keeps scales. */
export function freshClipSpecs(config: ClipConfig): TensorSpec[] {
  return clipSpecs(config).map(({ name, shape }) => ({ name, shape, init: initialValues(name, shape) }));
}

const EMBEDDING_STD = 0.02;

function initialValues(name: string, shape: readonly number[]): TensorSpec['init'] {
  if (/norm\w*\.weight$/.test(name)) return { kind: 'ones' };
  if (shape.length === 0 || name.endsWith('.bias')) return { kind: 'zeros' };
  if (name.includes('embedding') && shape.length < 4) return { kind: 'normal', std: EMBEDDING_STD };
  const inputs = shape.slice(1).reduce((product, side) => product * side, 1);
  return { kind: 'normal', std: 1 / Math.sqrt(inputs) };
}
