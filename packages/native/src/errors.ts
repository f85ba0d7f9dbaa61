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
