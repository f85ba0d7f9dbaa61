import { registerBinaryGradients } from './binary.js';
import { registerIndexGradients } from './index-ops.js';
import { registerReduceGradients } from './reduce.js';
import { registerUnaryGradients } from './unary.js';

let done = false;

/**
 * Replaces gradients of tfjs-core that upload host arrays, take a kernel per row or repetition, fail for broadcast
 * operands or negative axes, or do not exist. Applies to every backend; runs once.
 */
export function registerGradients(): void {
  if (done) return;
  done = true;
  registerBinaryGradients();
  registerIndexGradients();
  registerReduceGradients();
  registerUnaryGradients();
}
