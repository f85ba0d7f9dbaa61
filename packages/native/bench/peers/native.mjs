// This package. In strict mode: a kernel that would fall back to JavaScript is an error.
import * as N from '../../dist/index.js';
import { startTfjsCase } from './tfjs.mjs';

export async function open() {
  const { tf } = N;
  N.selectBackend('native');
  N.setStrict(true);
  const { isa, onednn, threads } = N.nativeInfo();
  const toBf16 = (x) => {
    const narrow = tf.engine().runKernel('StoreAsBf16', { x });
    x.dispose();
    return narrow;
  };
  return {
    description: `this backend: ${threads} threads, -march=${isa}, oneDNN ${onednn ?? 'absent'}`,
    start: (one) => startTfjsCase({ tf, N }, one, toBf16),
  };
}
