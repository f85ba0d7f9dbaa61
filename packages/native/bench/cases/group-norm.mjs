import { bothDirections } from './directions.mjs';

const IMAGE = [8, 128, 128, 128];
const CHANNELS = IMAGE[3];
const GROUPS = 32;
const EPS = 1e-6;
const bytes = 4 * IMAGE.reduce((a, b) => a * b);

/** Group norm with SiLU as in the residual blocks of an image autoencoder. The statistics need a pass of their own. */
export const groupNorms = bothDirections({
  name: 'groupNorm+silu f32 [8,128,128,128]',
  op: 'groupNormSilu',
  args: { groups: GROUPS, eps: EPS },
  dtype: 'float32',
  inputs: [IMAGE, [CHANNELS], [CHANNELS]].map((shape) => ({ shape, dtype: 'float32' })),
  output: IMAGE,
  apply: ({ N }, [x, weight, bias]) => N.groupNorm(x, weight, bias, GROUPS, EPS, 'silu'),
  peers: ['pytorch'],
  forward: { bytes: 3 * bytes },
  both: { bytes: 8 * bytes },
});
