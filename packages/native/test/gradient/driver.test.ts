import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { checkpoint, noGrad, valueAndGrads } from '../../src/autodiff/index.js';
import { tapeState } from '../../src/autodiff/tape.js';
import { selectBackend } from '../../src/select-backend.js';
import { expectClose, normals } from '../support.js';

let w: tf.Variable;
let b: tf.Variable;
let other: tf.Variable;
let before: number;

describe.each(['cpu', 'native'] as const)('on %s', (backend) => {
  beforeAll(() => {
    selectBackend(backend);
  });

  beforeEach(() => {
    w = tf.variable(normals([3, 3]));
    b = tf.variable(normals([3]));
    other = tf.variable(normals([2]));
    before = tf.memory().numTensors;
  });

  afterEach(() => {
    expect(tf.memory().numTensors).toBe(before);
    expect(tapeState().gradientDepth).toBe(0);
    expect(tapeState().kernelDepth).toBe(0);
    tf.dispose([w, b, other]);
  });

  const x = normals([4, 3]);
  const block = (h: tf.Tensor) => tf.tanh(tf.add(tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D), b));
  const network = (h: tf.Tensor) => block(block(h));

  function stock() {
    const { value, grads } = tf.variableGrads(() => tf.mean(tf.square(network(x))), [w, b]);
    return { loss: value, grads: [grads[w.name]!, grads[b.name]!] };
  }

  test('gradients equal those of tfjs-core, a variable off the path gets null, aux comes back', () => {
    const expected = stock();
    const found = valueAndGrads(() => {
      const y = network(x);
      return { loss: tf.mean(tf.square(y)) as tf.Scalar, y, note: 'kept' };
    }, [w, b, other]);
    expect(found.grads[2]).toBeNull();
    expect(found.aux.note).toBe('kept');
    expect(found.aux.y.shape).toEqual([4, 3]);
    expectClose(found.loss, expected.loss, 0);
    expectClose(found.grads[0]!, expected.grads[0]!, 0);
    expectClose(found.grads[1]!, expected.grads[1]!, 0);
    tf.dispose([expected, found] as unknown as tf.TensorContainer);
  });

  test('one tensor used many times sums its contributions', () => {
    const found = valueAndGrads(() => {
      const parts = [1, 2, 3, 4, 5].map((c) => tf.sum(tf.mul(b, c)));
      return { loss: tf.addN(parts) as tf.Scalar };
    }, [b]);
    expectClose(found.grads[0]!, [15, 15, 15], 1e-6);
    tf.dispose([found.loss, found.grads[0]!]);
  });

  test('an operation with unused outputs and a gradient that hands dy through', () => {
    const found = valueAndGrads(() => {
      const [first] = tf.split(w, 3, 0);
      const through = tf.customGrad((a) => ({
        value: tf.clone(a as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => dy,
      }));
      return { loss: tf.sum(through(first!)) as tf.Scalar };
    }, [w]);
    expectClose(found.grads[0]!, [1, 1, 1, 0, 0, 0, 0, 0, 0], 0);
    tf.dispose([found.loss, found.grads[0]!]);
  });

  test('when the function throws, nothing leaks and the next call works', () => {
    expect(() =>
      valueAndGrads(() => {
        network(x);
        throw new Error('in the middle');
      }, [w]),
    ).toThrow('in the middle');
    expect(tf.memory().numTensors).toBe(before);
    const again = valueAndGrads(() => ({ loss: tf.sum(w) as tf.Scalar }), [w]);
    expectClose(again.grads[0]!, new Float32Array(9).fill(1), 0);
    tf.dispose([again.loss, again.grads[0]!]);
  });

  test('a missing gradient and a wrong loss are named', () => {
    const mirrored = () => tf.image.flipLeftRight(tf.reshape(w, [1, 3, 3, 1]));
    expect(() => valueAndGrads(() => ({ loss: tf.sum(mirrored()) as tf.Scalar }), [w])).toThrow(
      /FlipLeftRight/,
    );
    expect(() => valueAndGrads(() => ({ loss: w as unknown as tf.Scalar }), [w])).toThrow(/float32 \[3,3\]/);
  });

  test('noGrad makes constants', () => {
    const found = valueAndGrads(() => {
      const frozen = noGrad(() => tf.mul(b, 3));
      return { loss: tf.sum(tf.mul(frozen, b)) as tf.Scalar };
    }, [b]);
    const expected = b.dataSync().map((value) => 3 * value);
    expectClose(found.grads[0]!, expected, 1e-6);
    tf.dispose([found.loss, found.grads[0]!]);
  });

  test.each(['captured', 'passed'])('checkpointed gradients are bit-identical, weights %s', (how) => {
    const expected = stock();
    const step = (h: tf.Tensor) =>
      how === 'captured'
        ? checkpoint((a) => block(a!), [h])
        : checkpoint(
            (a, m, c) => tf.tanh(tf.add(tf.matMul(a as tf.Tensor2D, m as tf.Tensor2D), c!)),
            [h, w, b],
          );
    const found = valueAndGrads(
      () => ({ loss: tf.mean(tf.square(step(step(x)))) as tf.Scalar }),
      [w, b, other],
    );
    expect(found.grads[2]).toBeNull();
    expectClose(found.loss, expected.loss, 0);
    expectClose(found.grads[0]!, expected.grads[0]!, 0);
    expectClose(found.grads[1]!, expected.grads[1]!, 0);
    tf.dispose([expected, found.loss, found.grads] as unknown as tf.TensorContainer);
  });

  test('nested checkpoints, and a block that hands its input through', () => {
    const expected = stock();
    const inner = (h: tf.Tensor) => checkpoint((a) => block(a!), [h]);
    const found = valueAndGrads(() => {
      const y = checkpoint((a) => inner(inner(checkpoint((c) => c!, [a!]))), [x]);
      return { loss: tf.mean(tf.square(y)) as tf.Scalar };
    }, [w, b]);
    expectClose(found.grads[0]!, expected.grads[0]!, 0);
    expectClose(found.grads[1]!, expected.grads[1]!, 0);
    tf.dispose([expected, found.loss, found.grads] as unknown as tf.TensorContainer);
  });

  test('checkpoint works under tf.grads of tfjs-core', () => {
    const f = (a: tf.Tensor, m: tf.Tensor) => tf.sum(tf.tanh(tf.matMul(a as tf.Tensor2D, m as tf.Tensor2D)));
    const plain = tf.grads(f)([x, w]);
    const checked = tf.grads((a: tf.Tensor, m: tf.Tensor) => checkpoint((p, q) => f(p!, q!), [a, m]))([x, w]);
    plain.forEach((g, i) => {
      expectClose(checked[i]!, g, 0);
    });
    tf.dispose([plain, checked] as unknown as tf.TensorContainer);
  });

  test('valueAndGrads inside a checkpointed or recorded function leaves the outer tape alone', () => {
    const found = valueAndGrads(() => {
      const h = tf.mul(b, 2);
      const inner = valueAndGrads(() => ({ loss: tf.sum(tf.square(other)) as tf.Scalar }), [other]);
      tf.dispose([inner.loss, inner.grads[0]!]);
      return { loss: tf.sum(h) as tf.Scalar };
    }, [b]);
    expectClose(found.grads[0]!, [2, 2, 2], 0);
    tf.dispose([found.loss, found.grads[0]!]);
  });

  test('gradients of micro-batches are accumulated: two of one are one of two', () => {
    const batches = [normals([4, 3]), normals([4, 3])];
    const pass = (h: tf.Tensor) => ({ loss: tf.sum(tf.square(network(h))) as tf.Scalar });
    const whole = valueAndGrads(() => pass(tf.concat(batches, 0)), [w, b, other]);
    const first = valueAndGrads(() => pass(batches[0]!), [w, b, other]);
    const second = valueAndGrads(() => pass(batches[1]!), [w, b, other], { accumulateInto: first.grads });
    // A variable that only the second pass meets, and one that only the first met.
    const third = valueAndGrads(() => ({ loss: tf.sum(tf.mul(other, 3)) as tf.Scalar }), [w, b, other], {
      accumulateInto: second.grads,
    });
    expectClose(third.grads[0]!, whole.grads[0]!, 1e-6);
    expectClose(third.grads[1]!, whole.grads[1]!, 1e-6);
    expectClose(third.grads[2]!, [3, 3], 0);
    if (backend === 'native') expect(second.grads[0]).toBe(first.grads[0]);
    tf.dispose([
      batches,
      whole,
      first.loss,
      second.loss,
      third.loss,
      third.grads,
    ] as unknown as tf.TensorContainer);
  });

  test('gradients to accumulate into are checked, never shared memory, and freed when the pass fails', () => {
    const sums = [tf.zeros([3, 3]), null, tf.zeros([2])];
    const kept = tf.clone(sums[0]!);
    const { loss, grads } = valueAndGrads(() => ({ loss: tf.sum(w) as tf.Scalar }), [w, b, other], {
      accumulateInto: sums,
    });
    expectClose(kept, new Float32Array(9), 0);
    expectClose(grads[0]!, new Float32Array(9).fill(1), 0);
    expect(grads[1]).toBeNull();
    expectClose(grads[2]!, [0, 0], 0);
    const fails = () => {
      throw new Error('in the middle');
    };
    expect(() => valueAndGrads(fails, [w, b, other], { accumulateInto: grads })).toThrow('in the middle');
    tf.dispose([kept, loss]);
    expect(() => valueAndGrads(fails, [w], { accumulateInto: [null, null] })).toThrow(
      /found 2 for 1 variables/,
    );
    tf.tidy(() => {
      expect(() => valueAndGrads(fails, [w], { accumulateInto: [tf.zeros([3])] })).toThrow(
        /found float32 \[3\]/,
      );
    });
  });

  test('saved tensors are freed while the backward pass runs', () => {
    let live = 0;
    const watched = tf.customGrad((a) => ({
      value: tf.clone(a as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => {
        live = tf.memory().numTensors - before;
        return tf.clone(dy);
      },
    }));
    const found = valueAndGrads(() => {
      let h = watched(b);
      for (let i = 0; i < 40; i++) h = tf.tanh(h);
      return { loss: tf.sum(h) as tf.Scalar };
    }, [b]);
    // The watched operation is differentiated last: what the forty others saved is gone by then.
    expect(live).toBeLessThan(8);
    tf.dispose([found.loss, found.grads[0]!]);
  });
});
