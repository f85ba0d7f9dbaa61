import { describe, it } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import { Draw, differ, differBf16, type Input } from './support.js';

function shuffled(draw: Draw, rank: number): number[] {
  const perm = Array.from({ length: rank }, (_, d) => d);
  for (let i = rank - 1; i > 0; i--) {
    const j = draw.int(0, i);
    [perm[i], perm[j]] = [perm[j]!, perm[i]!];
  }
  return perm;
}

/** The same check for float32, bf16, int32 and bool elements. */
function everyType(draw: Draw, shape: number[], f: (x: tf.Tensor) => tf.Tensor | tf.Tensor[]): void {
  const inputs: Input[] = [draw.floats(shape), draw.ints(shape, -9, 9), draw.bools(shape)];
  for (const input of inputs) differ(f, [input], 0);
  differBf16(f, [inputs[0]!], 0);
}

describe('kernels that move elements against the cpu backend', () => {
  it('transposes, slices, reverses and tiles', () => {
    const draw = new Draw(83);
    for (let i = 0; i < 40; i++) {
      const rank = draw.int(1, 4);
      const shape = draw.shape(rank, 12);
      const perm = shuffled(draw, rank);
      everyType(draw, shape, (x) => tf.transpose(x, perm));
      const begin = shape.map((s) => draw.int(0, s - 1));
      const size = shape.map((s, d) => draw.int(1, s - begin[d]!));
      everyType(draw, shape, (x) => tf.slice(x, begin, size));
      const axes = perm.slice(0, draw.int(1, rank));
      everyType(draw, shape, (x) => tf.reverse(x, axes));
      const reps = shape.map(() => draw.int(1, 3));
      everyType(draw, shape, (x) => tf.tile(x, reps));
      const steps = shape.map(() => draw.pick([1, 2, -1, -2]));
      const [from, to] = [
        shape.map((s, d) => (steps[d]! > 0 ? 0 : s - 1)),
        shape.map((s, d) => (steps[d]! > 0 ? s : -s - 1)),
      ];
      everyType(draw, shape, (x) => tf.stridedSlice(x, from, to, steps));
    }
    everyType(draw, [67, 131], (x) => tf.transpose(x));
    everyType(draw, [3, 130, 70], (x) => tf.transpose(x, [0, 2, 1]));
  });

  it('pads, mirrors and rearranges blocks', () => {
    const draw = new Draw(89);
    for (let i = 0; i < 25; i++) {
      const shape = draw.shape(draw.int(1, 4), 6).map((s) => s + 1);
      const paddings = shape.map(() => [draw.int(0, 3), draw.int(0, 3)] as [number, number]);
      differ((x) => tf.pad(x, paddings, 1.5), [draw.floats(shape)], 0);
      const small = shape.map(
        (s) => [draw.int(0, Math.min(2, s - 1)), draw.int(0, Math.min(2, s - 1))] as [number, number],
      );
      for (const mode of ['reflect', 'symmetric'] as const) {
        differ((x) => tf.mirrorPad(x, small, mode), [draw.floats(shape)], 0);
      }
    }
    differ((x) => tf.depthToSpace(x as tf.Tensor4D, 2, 'NHWC'), [draw.floats([2, 3, 5, 12])], 0);
    const edges = [
      [1, 0],
      [0, 1],
    ];
    differ((x) => tf.spaceToBatchND(x, [2, 3], edges), [draw.floats([2, 5, 8, 3])], 0);
    differ((x) => tf.batchToSpaceND(x, [2, 3], edges), [draw.floats([12, 3, 3, 2])], 0);
  });

  it('joins and splits', () => {
    const draw = new Draw(97);
    for (let i = 0; i < 30; i++) {
      const shape = draw.shape(draw.int(1, 4));
      const axis = draw.int(0, shape.length - 1);
      const other = shape.map((s, d) => (d === axis ? draw.int(1, 5) : s));
      differ((a, b) => tf.concat([a, b, a], axis), [draw.floats(shape), draw.floats(other)], 0);
      differBf16((a, b) => tf.concat([a, b], axis), [draw.floats(shape), draw.floats(other)], 0);
      differ((a) => tf.stack([a, a], axis), [draw.ints(shape, -9, 9)], 0);
      differ((a) => tf.unstack(a, axis), [draw.floats(shape)], 0);
      const first = draw.int(0, shape[axis]!);
      differ((a) => tf.split(a, [first, shape[axis]! - first], axis), [draw.floats(shape)], 0);
      differ((a) => tf.addN([a, a, a]), [draw.floats(shape)]);
    }
  });

  it('gathers and scatters', () => {
    const draw = new Draw(101);
    for (let i = 0; i < 30; i++) {
      const shape = draw.shape(draw.int(1, 4));
      const axis = draw.int(0, shape.length - 1);
      const indices = draw.ints(draw.shape(draw.int(1, 2)), 0, shape[axis]! - 1);
      differ((x, at) => tf.gather(x, at as tf.Tensor1D, axis), [draw.floats(shape), indices], 0);
      const segments = draw.int(1, 6);
      const ids = draw.ints([shape[0]!], 0, segments - 1);
      differ((x, at) => tf.unsortedSegmentSum(x, at as tf.Tensor1D, segments), [draw.floats(shape), ids]);
      const depth = draw.int(1, shape.length);
      const rows = draw.int(1, 5);
      const places = Int32Array.from({ length: rows * depth }, (_, j) => draw.int(0, shape[j % depth]! - 1));
      const positions: Input = { shape: [rows, depth], dtype: 'int32', values: places };
      differ((x, at) => tf.gatherND(x, at), [draw.floats(shape), positions], 0);
      const updates = draw.floats([rows, ...shape.slice(depth)]);
      differ((at, u) => tf.scatterND(at, u, shape), [positions, updates]);
    }
    const labels = draw.ints([13], -1, 7);
    differ((x) => tf.oneHot(x, 7, 2, -1), [labels], 0);
  });

  it('makes ranges and fills', () => {
    differ(() => tf.range(3, 40, 3, 'int32'), [], 0);
    differ(() => tf.range(5, -5, -0.5), [], 1e-6);
    differ(() => tf.linspace(-1, 2, 17), [], 1e-6);
    differ(() => tf.fill([3, 5], 2.5), [], 0);
    differ(() => tf.ones([7], 'int32'), [], 0);
    differ(() => tf.zeros([2, 3], 'bool'), [], 0);
    differ(() => tf.eye(5), [], 0);
  });
});
