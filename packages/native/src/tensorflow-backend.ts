import { createRequire } from 'node:module';
import { join } from 'node:path';
import { findBackendFactory } from '../lib/tfjs.mjs';
import { TensorflowBackendError } from './errors.js';

/** Packages that bring the backend, best first. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
/** The registries of engine, kernels and gradients are shared between copies of tfjs-core of one version. */
const VERSION = /^4\.22\./;

/**
 * Registers the backend 'tensorflow' from `@tensorflow/tfjs-node-gpu` or else `@tensorflow/tfjs-node`, where the user has
 * installed one of them in the project of the current folder or beside this package.
 *
 * @throws TensorflowBackendError when neither is there, its version is not 4.22, or it does not load
 */
export function registerTensorflowBackend(): void {
  if (isRegistered()) return;
  const found = findPackage();
  if (found === undefined) {
    throw new TensorflowBackendError(`neither ${PACKAGES.join(' nor ')} is installed`);
  }
  const { name, version, load } = found;
  if (!VERSION.test(version)) {
    throw new TensorflowBackendError(`${name} is installed in version ${version}, but 4.22 is needed`);
  }
  restoreIsNullOrUndefined();
  try {
    load();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TensorflowBackendError(
      `${name} ${version} does not load on Node ${process.version}: ${reason}`,
      error,
    );
  }
  if (!isRegistered()) throw new TensorflowBackendError(`${name} ${version} registers no such backend`);
}

function isRegistered(): boolean {
  return (findBackendFactory('tensorflow') ?? null) !== null;
}

function findPackage(): { name: string; version: string; load: () => void } | undefined {
  for (const name of PACKAGES) {
    for (const root of [join(process.cwd(), 'package.json'), import.meta.url]) {
      const require = createRequire(root);
      try {
        const { version } = require(`${name}/package.json`) as { version: string };
        return { name, version, load: () => require(name) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
      }
    }
  }
  return undefined;
}

/** Node 23 removed a function that tfjs-node 4.22 calls, in TopK for one. */
function restoreIsNullOrUndefined(): void {
  const util = createRequire(import.meta.url)('node:util') as {
    isNullOrUndefined?: (value: unknown) => boolean;
  };
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
}
