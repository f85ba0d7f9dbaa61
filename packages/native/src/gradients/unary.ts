/** One fused kernel for the gradient of a unary function (stock needs three to five). */
import * as tf from '../../lib/tfjs.mjs';
import { runOne } from '../ops/dispatch.js';
import { mayFuse, registered } from './override.js';

/** Kernels whose stock rule saves exactly the tensor that the fused kernel reads (x or y), and its attributes. */
const fused: Record<string, string> = {
  Abs: 'AbsGrad',
  ClipByValue: 'ClipByValueGrad',
  Cos: 'CosGrad',
  Erf: 'ErfGrad',
  LeakyRelu: 'LeakyReluGrad',
  Log: 'LogGrad',
  Log1p: 'Log1pGrad',
  Reciprocal: 'ReciprocalGrad',
  Relu: 'ReluGrad',
  Relu6: 'Relu6Grad',
  Rsqrt: 'RsqrtGrad',
  Sigmoid: 'SigmoidGrad',
  Sin: 'SinGrad',
  Softplus: 'SoftplusGrad',
  Sqrt: 'SqrtGrad',
  Square: 'SquareGrad',
  Tanh: 'TanhGrad',
};

export function registerUnaryGradients(): void {
  for (const [kernelName, gradientKernel] of Object.entries(fused)) {
    const stock = registered(kernelName);
    tf.registerGradient({
      ...stock,
      gradFunc: (dy, saved, attrs) => {
        const upstream = dy as tf.Tensor;
        const x = saved[0]!;
        if (x.dtype !== 'float32' || !mayFuse(gradientKernel)) return stock.gradFunc(dy, saved, attrs);
        return {
          x: () =>
            runOne(gradientKernel, { dy: upstream, saved: x }, attrs as unknown as Record<string, number>),
        };
      },
    });
  }
  const softmax = registered('Softmax');
  tf.registerGradient({
    ...softmax,
    gradFunc: (dy, saved, attrs) => {
      if (!mayFuse('SoftmaxGrad')) return softmax.gradFunc(dy, saved, attrs);
      return { logits: () => runOne('SoftmaxGrad', { dy: dy as tf.Tensor, y: saved[0]! }) };
    },
  });
}
