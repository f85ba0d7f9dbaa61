import { attentions } from './attention.mjs';
import { convolutions } from './convolution.mjs';
import { elementwise } from './elementwise.mjs';
import { groupNorms } from './group-norm.mjs';
import { grpo } from './grpo.mjs';
import { linears } from './linear.mjs';
import { optimizers } from './optimizer.mjs';
import { products } from './products.mjs';
import { rows } from './rows.mjs';

/**
 * @typedef {object} Case something to measure; one file per family
 * @property {string} name
 * @property {string} op what the peers outside TensorFlow.js call it
 * @property {object} args of that op
 * @property {'float32' | 'bf16'} dtype decides how closely results must agree
 * @property {import('../values.mjs').Input[]} inputs
 * @property {Function} start ({tf, N}, tensors) → {once, look?, stop?}: `once` computes, `look` gives what to compare of
 *   its result, `stop` frees what `start` made
 * @property {number} [flops] of one call, at least
 * @property {number} [bytes] that one call must move to and from memory, at least
 * @property {{words: (string | number)[], same?: boolean}} [limit] words for native_limits; `same` when it computes the same
 *   as the case, so that results must agree. Without, bytes are measured against a streaming copy.
 * @property {string[]} peers that can do the same
 * @property {Record<string, number>} [bars] what must be reached: a share of the limit, multiples of a peer's speed
 */

/** @type {Case[]} */
export const cases = [
  ...products,
  ...convolutions,
  ...attentions,
  ...rows,
  ...optimizers,
  ...grpo,
  ...linears,
  ...groupNorms,
  ...elementwise,
];

export function caseByName(name) {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case is called ${name}`);
  return found;
}
