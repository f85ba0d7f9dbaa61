/** A kernel of the native backend would have run on the host in JavaScript, and strict mode is on. */
export class UnsupportedKernelError extends Error {
  override readonly name = 'UnsupportedKernelError';
  constructor(
    readonly kernelName: string,
    readonly reason: string,
  ) {
    super(
      `Kernel ${kernelName} has no native version for these inputs (${reason}). Strict mode forbids the JavaScript ` +
        'fallback: use another op, or leave strict mode.',
    );
  }
}

/** A tensor was used after its memory had been given back. */
export class DisposedTensorError extends Error {
  override readonly name = 'DisposedTensorError';
  constructor(kernelName?: string, shapes?: string) {
    super(
      kernelName === undefined
        ? 'a tensor was used after it had been disposed'
        : `${kernelName}: one of the inputs ${shapes} was used after it had been disposed; ` +
            'keep it alive (tf.keep, or outside of the tidy) or dispose it later',
    );
  }
}

/** The native addon is missing or cannot be loaded. */
export class AddonMissingError extends Error {
  override readonly name = 'AddonMissingError';
  constructor(path: string, cause: unknown) {
    super(
      `The native addon ${path} could not be loaded: ${cause instanceof Error ? cause.message : String(cause)}\n` +
        'Build it with "npx nx run native:build:addon", or select the backend "cpu".',
      { cause },
    );
  }
}

/** The backend 'tensorflow' was asked for, but the package that brings it is missing or unusable. */
export class TensorflowBackendError extends Error {
  override readonly name = 'TensorflowBackendError';
  constructor(reason: string, cause?: unknown) {
    super(
      `The backend 'tensorflow' is not available: ${reason}.\n` +
        'Install it with "npm install @tensorflow/tfjs-node@4.22.0" (or @tensorflow/tfjs-node-gpu@4.22.0 for a GPU with ' +
        'CUDA 11), or select the backend "native" or "cpu".',
      { cause },
    );
  }
}
