import { vectorJacobian } from '../../dist/autodiff/driver.js';
import { bf16 } from './precision.mjs';

/**
 * The two cases of an op with a gradient: forward, and forward with backward on the project's own driver, given the
 * gradient of the output (the last input).
 * @param {object} op a Case without the parts below
 * @param {number[]} op.output shape of the result
 * @param {(api: object, tensors: object[]) => object} op.apply the op
 * @param {(tensors: object[]) => object[]} [op.trained] the inputs to differentiate; all when absent
 * @param {object} op.forward what differs in the forward case: flops or bytes, bars, peers
 * @param {object} op.both and with the backward pass: peers 'pytorch' if not given
 * @returns {import('./index.mjs').Case[]}
 */
export function bothDirections({ output, apply, trained = (all) => all, forward, both, ...op }) {
  const precise = (N, f) => (op.dtype === 'bf16' ? bf16(N, f) : f);
  return [
    {
      ...op,
      name: `${op.name}, forward`,
      args: { ...op.args, backward: false },
      start: (api, tensors) => ({ once: precise(api.N, () => apply(api, tensors)) }),
      ...forward,
    },
    {
      ...op,
      name: `${op.name}, forward+backward`,
      args: { ...op.args, backward: true },
      inputs: [...op.inputs, { shape: output, dtype: op.dtype }],
      start: (api, tensors) => {
        const inputs = tensors.slice(0, -1);
        const dy = tensors.at(-1);
        return {
          once: precise(api.N, () => vectorJacobian(() => apply(api, inputs), trained(inputs), dy)),
        };
      },
      peers: ['pytorch'],
      ...both,
    },
  ];
}
