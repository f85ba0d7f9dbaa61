import {
  findBackendFactory,
  getBackend,
  getKernelsForBackend,
  registerBackend,
  registerKernel,
  removeBackend,
  setBackend,
} from '../lib/tfjs.mjs';
import { type MemoryStats, NativeBackend } from './backend.js';
import { type DeviceName, type NativeInfo, nativeBinding } from './binding.js';
import { registerGradients } from './gradients/index.js';
import { nativeKernels } from './kernels/index.js';
import { fallback } from './kernels/kernel.js';
import { registerTensorflowBackend } from './tensorflow-backend.js';

/** Registers the backend 'native' and its kernels with tfjs-core; does nothing when that has been done. */
export function registerNativeBackend(device?: BackendOptions['device']): void {
  useDevice(device);
  if (!kernelsRegistered) registerKernels();
  if (!findBackendFactory('native')) registerBackend('native', () => new NativeBackend(), 3);
}

let kernelsRegistered = false;

function registerKernels(): void {
  kernelsRegistered = true;
  registerGradients();
  const covered = new Set(nativeKernels.map((k) => k.kernelName));
  for (const native of nativeKernels) registerKernel(native);
  for (const stock of getKernelsForBackend('cpu')) {
    if (covered.has(stock.kernelName)) continue;
    registerKernel({
      ...stock,
      backendName: 'native',
      kernelFunc: (args) => fallback(stock.kernelName, args),
    });
  }
}

/** Options of {@link selectBackend}. */
export interface BackendOptions {
  /**
   * Where the tensors of 'native' live: 'auto' takes the GPU when there is one. Without this option the environment
   * variable UNICHARACTER_DEVICE decides, and without that the device in use stays ('auto' at first).
   */
  device?: DeviceName | 'auto';
}

export type BackendName = 'native' | 'tensorflow' | 'cpu';

/**
 * Makes `name` the backend of all ops that follow; it is ready when the call returns.
 *
 * - 'native': this package's; needs the addon (AddonMissingError tells how to build it)
 * - 'tensorflow': TensorFlow's own library through `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node` 4.22, an optional
 *   peer dependency (TensorflowBackendError tells what to install)
 * - 'cpu': plain JavaScript, for tests and comparisons
 *
 * On the last two the fused ops are composed of ordinary ones. The device of 'native' can be changed only while it holds
 * no tensors.
 */
export function selectBackend(name: BackendName, options: BackendOptions = {}): void {
  if (name === 'native') registerNativeBackend(options.device);
  else registerGradients();
  if (name === 'tensorflow') registerTensorflowBackend();
  // All of them start synchronously, so the promise is already settled.
  void setBackend(name);
  if (getBackend() !== name) throw new Error(`selectBackend: the backend '${name}' could not be started`);
}

let deviceInUse: DeviceName | undefined;

function useDevice(asked: BackendOptions['device']): void {
  const wanted = asked ?? deviceInUse ?? process.env.UNICHARACTER_DEVICE ?? 'auto';
  if (wanted !== 'cpu' && wanted !== 'cuda' && wanted !== 'auto') {
    throw new Error(
      `The device '${wanted}' is not known; expected 'cpu', 'cuda' or 'auto' (UNICHARACTER_DEVICE)`,
    );
  }
  const binding = nativeBinding();
  const device = wanted === 'auto' ? (binding.info().cuda ? 'cuda' : 'cpu') : wanted;
  if (device === deviceInUse) return;
  binding.useDevice(device);
  deviceInUse = device;
  // A backend that was made for the other device knows other kernels.
  if (findBackendFactory('native')) removeBackend('native');
}

/**
 * How many threads the kernels of this JavaScript thread use from now on; every worker thread has its own number.
 * The start value is UNICHARACTER_THREADS, else OMP_NUM_THREADS, else the number of processors.
 * @throws Error when `count` is not 1 to 1024
 */
export function setThreads(count: number): void {
  nativeBinding().setThreads(count);
}

/** Bytes and buffers held in native memory by this thread. */
export function memoryStats(): MemoryStats {
  const { liveBytes, liveBuffers, mappedBytes, peakBytes } = nativeBinding().memory();
  return { liveBytes, liveBuffers, mappedBytes, peakBytes };
}

/** Starts a new measurement of `peakBytes`. */
export function resetPeak(): void {
  nativeBinding().resetPeak();
}

/** What the addon was built with and runs on. */
export function nativeInfo(): NativeInfo {
  return nativeBinding().info();
}
