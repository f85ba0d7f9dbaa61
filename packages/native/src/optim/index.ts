export { AdamW, type AdamWConfig, type AdamWState, type AdamWStep } from './adamw.js';
export { emaUpdate } from './ema.js';
export { globalNorm } from './global-norm.js';
