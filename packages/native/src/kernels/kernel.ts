import type * as tf from '../../lib/tfjs.mjs';
import { getKernel } from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../backend.js';
import { isStrict, traffic } from '../counters.js';
import { DisposedTensorError, UnsupportedKernelError } from '../errors.js';

type Infos = Record<string, tf.TensorInfo | undefined>;

/** What the engine hands to a kernel. Attributes are those of the kernel's `...Attrs` type in tfjs-core. */
export interface KernelArgs<Inputs extends Infos = Infos, Attrs = Record<string, unknown>> {
  inputs: Inputs;
  attrs: Attrs;
  backend: NativeBackend;
}

export interface NativeKernel {
  kernelName: string;
  backendName: 'native';
  kernelFunc: tf.KernelFunc;
}

/**
 * A kernel of the native backend. `run` computes the output's shape, writes the command and returns what
 * `Command.output()` gives; for types that the C++ kernel does not know it returns {@link fallback}.
 */
export function kernel<Inputs extends Infos, Attrs>(
  kernelName: string,
  run: (args: KernelArgs<Inputs, Attrs>) => tf.TensorInfo | tf.TensorInfo[],
): NativeKernel {
  const kernelFunc = (args: KernelArgs<Inputs, Attrs>) => {
    try {
      return run(args);
    } catch (error) {
      if (error instanceof DisposedTensorError)
        throw new DisposedTensorError(kernelName, typesOf(args.inputs));
      throw error;
    }
  };
  return { kernelName, backendName: 'native', kernelFunc: kernelFunc as unknown as tf.KernelFunc };
}

/** `float32[2,3], int32[3]`, for error messages. */
function typesOf(inputs: Infos): string {
  return Object.values(inputs)
    .map((x) => (x ? `${x.dtype}[${x.shape}]` : 'absent'))
    .join(', ');
}

/** Runs the cpu backend's JavaScript kernel on the host; counted, and an error in strict mode. */
export function fallback(
  kernelName: string,
  args: { inputs: object; attrs?: unknown; backend: unknown },
  reason?: string,
): tf.TensorInfo | tf.TensorInfo[] {
  const types = typesOf(args.inputs as Infos);
  if (isStrict()) throw new UnsupportedKernelError(kernelName, reason ?? (types || 'no inputs'));
  traffic.fallbackKernels[kernelName] = (traffic.fallbackKernels[kernelName] ?? 0) + 1;
  const stock = getKernel(kernelName, 'cpu');
  return stock.kernelFunc(args as Parameters<tf.KernelFunc>[0]);
}

/** True when the values of `x` can be in native memory. */
export function isNumeric(x: tf.TensorInfo): boolean {
  return x.dtype === 'float32' || x.dtype === 'int32' || x.dtype === 'bool';
}

/** Code of a logical type for kernels that create values. */
export function physOfDtype(dtype: tf.DataType): number {
  return dtype === 'float32' ? 0 : dtype === 'int32' ? 2 : 3;
}
