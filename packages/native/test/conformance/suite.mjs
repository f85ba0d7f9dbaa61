// Bundled by run.mjs together with one copy of tfjs-core: prepares jasmine, then loads tfjs-core's own test suite.
import '../../scripts/tfjs/entry.mjs';
import { registerBackend, removeBackend } from '@tensorflow/tfjs-core';
import { setTestEnvs, setupTestFilters } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { NativeBackend } from '../../dist/backend.js';
import { registerNativeBackend } from '../../dist/select-backend.js';

/** A backend whose reads end in a later turn of the event loop, after the tensor may have been disposed. */
class DeferredReads extends NativeBackend {
  read(dataId) {
    const values = this.readSync(dataId);
    return new Promise((resolve) => setImmediate(() => resolve(values)));
  }
}

/**
 * Describes the suite to jasmine. The order matters: environments and filters first, the tests afterwards.
 * @param {{ deferredReads: boolean, grep: string }} options
 */
export async function describeSuite({ deferredReads, grep }) {
  registerNativeBackend();
  if (deferredReads) {
    removeBackend('native');
    registerBackend('native', () => new DeferredReads(), 3);
  }
  const pattern = new RegExp(grep);
  setTestEnvs([{ name: 'native-env', backendName: 'native', isDataSync: !deferredReads }]);
  setupTestFilters([], (name) => pattern.test(name));
  await import('@tensorflow/tfjs-core/dist/tests');
}

export { traffic } from '../../dist/counters.js';
