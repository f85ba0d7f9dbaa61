/** Traffic between JavaScript and native memory, and JavaScript kernels that ran in place of native ones. */
export interface Counters {
  /** Arrays copied to native memory. */
  uploads: number;
  uploadBytes: number;
  /** Arrays copied back. */
  downloads: number;
  downloadBytes: number;
  /** Runs of kernels in JavaScript, by kernel name. */
  fallbackKernels: Record<string, number>;
  /** Kernels run by the addon. */
  nativeCalls: number;
}

function zeroCounters(): Counters {
  return { uploads: 0, uploadBytes: 0, downloads: 0, downloadBytes: 0, fallbackKernels: {}, nativeCalls: 0 };
}

/** The live counters of this thread; kernels add to them. */
export const traffic = zeroCounters();

/** A copy of the counters since the start or the last {@link resetCounters}. */
export function counters(): Counters {
  return { ...traffic, fallbackKernels: { ...traffic.fallbackKernels } };
}

export function resetCounters(): void {
  Object.assign(traffic, zeroCounters());
}

let strictDepth = 0;
let strictAlways = false;

/** True while a JavaScript fallback must throw. */
export function isStrict(): boolean {
  return strictAlways || strictDepth > 0;
}

/** Turns strict mode on or off for all that follows. */
export function setStrict(on: boolean): void {
  strictAlways = on;
}

/**
 * Runs `f` in strict mode: a kernel without a native version throws {@link UnsupportedKernelError} instead of running
 * in JavaScript. `f` must be synchronous.
 */
export function strict<T>(f: () => T): T {
  strictDepth++;
  try {
    return f();
  } finally {
    strictDepth--;
  }
}
