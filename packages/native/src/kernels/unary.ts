import type * as tf from '../../lib/tfjs.mjs';
import { fallback, kernel, type NativeKernel } from './kernel.js';

type Unary = { x: tf.TensorInfo };
type Reals = readonly string[];

/** y = f(x) with the type of x. `attributes` are passed as reals, in this order. */
function elementwise(name: string, int32: boolean, attributes: Reals = []): NativeKernel {
  return kernel<Unary, Record<string, number>>(name, (args) => {
    const { x } = args.inputs;
    if (x.dtype !== 'float32' && !(int32 && x.dtype === 'int32')) return fallback(name, args);
    const call = args.backend.call(name).tensor(x);
    for (const attribute of attributes) call.real(args.attrs[attribute]!);
    return call.output(x.shape, x.dtype);
  });
}

function test(name: string): NativeKernel {
  return kernel<Unary, unknown>(name, (args) => {
    const { x } = args.inputs;
    if (x.dtype !== 'float32') return fallback(name, args);
    return args.backend.call(name).tensor(x).output(x.shape, 'bool');
  });
}

/** The gradients of unary functions: `dy` and the saved tensor in, `dx` out. */
function gradient(name: string, attributes: readonly [string?, string?] = [], saved = 'saved'): NativeKernel {
  return kernel<Record<string, tf.TensorInfo>, Record<string, number>>(name, (args) => {
    const dy = args.inputs.dy!;
    const [p, q] = attributes;
    return args.backend
      .call(name)
      .tensor(dy)
      .tensor(args.inputs[saved]!)
      .real(p === undefined ? 0 : args.attrs[p]!)
      .real(q === undefined ? 0 : args.attrs[q]!)
      .output(dy.shape, 'float32');
  });
}

const withInt32 = ['Neg', 'Abs', 'Square', 'Sign', 'Relu', 'Relu6', 'Floor', 'Ceil', 'Round'];
const floatOnly = [
  'Reciprocal',
  'Sqrt',
  'Rsqrt',
  'Exp',
  'Expm1',
  'Log',
  'Log1p',
  'Sigmoid',
  'Tanh',
  'Elu',
  'Selu',
  'Softplus',
  'Erf',
  'Sin',
  'Cos',
  'Tan',
  'Asin',
  'Acos',
  'Atan',
  'Sinh',
  'Cosh',
  'Asinh',
  'Acosh',
  'Atanh',
];

/** Gradient kernels and their attributes; `gradients/unary.ts` calls them. */
export const unaryGradients: Record<string, readonly [string?, string?]> = {
  SigmoidGrad: [],
  TanhGrad: [],
  ReluGrad: [],
  Relu6Grad: [],
  LeakyReluGrad: ['alpha'],
  SquareGrad: [],
  SqrtGrad: [],
  RsqrtGrad: [],
  ReciprocalGrad: [],
  LogGrad: [],
  Log1pGrad: [],
  AbsGrad: [],
  SoftplusGrad: [],
  ErfGrad: [],
  SinGrad: [],
  CosGrad: [],
  ClipByValueGrad: ['clipValueMin', 'clipValueMax'],
};

export const unaryKernels: NativeKernel[] = [
  ...withInt32.map((name) => elementwise(name, true)),
  ...floatOnly.map((name) => elementwise(name, false)),
  elementwise('ClipByValue', true, ['clipValueMin', 'clipValueMax']),
  elementwise('Step', false, ['alpha']),
  elementwise('LeakyRelu', false, ['alpha']),
  ...['IsNan', 'IsInf', 'IsFinite'].map(test),
  kernel<Unary, unknown>('LogicalNot', (args) => {
    const { x } = args.inputs;
    if (x.dtype !== 'bool') return fallback('LogicalNot', args);
    return args.backend.call('LogicalNot').tensor(x).output(x.shape, 'bool');
  }),
  ...Object.entries(unaryGradients).map(([name, attributes]) => gradient(name, attributes)),
  gradient('EluGrad', [], 'y'),
];
