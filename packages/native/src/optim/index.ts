export { AdamW, type AdamWConfig, type AdamWState, type AdamWStep } from './adamw.js';
export { CODE_BLOCK } from './block-codes.js';
export { emaUpdate } from './ema.js';
export { globalNorm } from './global-norm.js';
export type { MomentType } from './moment-format.js';
