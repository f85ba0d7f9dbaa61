import * as tf from '../lib/tfjs.mjs';
import { noGrad } from './autodiff/no-grad.js';
import type { NativeBackend } from './backend.js';

interface Mark {
  readonly dataId: object;
  readonly changes: number;
}

/**
 * A tensor that is computed from others, kept, and computed again only when their values have changed: by `assign`, or in
 * place by a kernel (an optimizer step). It is a constant to gradients.
 */
export class KeptResult<T extends tf.Tensor> {
  #result: T | null = null;
  #marks: readonly Mark[] = [];

  /**
   * The result for the values that `sources` have now. It belongs to this object: do not dispose it.
   * @param compute makes it of the sources, given in the same order at every call
   */
  of(sources: readonly tf.Tensor[], compute: () => T): T {
    const marks = sources.map(markOf);
    const same = marks.every((mark, i) => {
      const known = this.#marks[i];
      return known !== undefined && mark.dataId === known.dataId && mark.changes === known.changes;
    });
    if (same && this.#result !== null) return this.#result;
    this.dispose();
    this.#result = noGrad(() => tf.tidy(() => tf.keep(compute())));
    this.#marks = marks;
    return this.#result;
  }

  dispose(): void {
    this.#result?.dispose();
    this.#result = null;
  }
}

function markOf({ dataId }: tf.Tensor): Mark {
  if (tf.getBackend() !== 'native') return { dataId, changes: 0 };
  return { dataId, changes: (tf.backend() as unknown as NativeBackend).data.get(dataId).changes };
}
