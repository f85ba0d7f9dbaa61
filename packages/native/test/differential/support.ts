/** Comparing one function of tensors on the native and the cpu backend. */
import { expect } from 'vitest';
import * as tf from '../../lib/tfjs.mjs';
import type { NativeBackend } from '../../src/backend.js';
import { Phys } from '../../src/binding.js';
import { memoryStats, selectBackend } from '../../src/select-backend.js';

/** A small generator (mulberry32) so that a failing case can be repeated from its number. */
export class Draw {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }
  /** Uniform in [0, 1). */
  unit(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  /** An integer in [low, high]. */
  int(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }
  pick<T>(values: readonly T[]): T {
    return values[this.int(0, values.length - 1)]!;
  }
  /** A shape whose sizes are odd, even, one, and now and then longer than a vector register or a cache chunk. */
  shape(rank: number, most = 9): number[] {
    return Array.from({ length: rank }, () => (this.unit() < 0.15 ? 1 : this.int(1, most)));
  }
  floats(shape: number[], low = -2, high = 2): Input {
    const n = tf.util.sizeFromShape(shape);
    return {
      shape,
      dtype: 'float32',
      values: Float32Array.from({ length: n }, () => low + this.unit() * (high - low)),
    };
  }
  ints(shape: number[], low: number, high: number): Input {
    const n = tf.util.sizeFromShape(shape);
    return { shape, dtype: 'int32', values: Int32Array.from({ length: n }, () => this.int(low, high)) };
  }
  bools(shape: number[]): Input {
    const n = tf.util.sizeFromShape(shape);
    return { shape, dtype: 'bool', values: Uint8Array.from({ length: n }, () => this.int(0, 1)) };
  }
}

export interface Input {
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool';
  values: Float32Array | Int32Array | Uint8Array;
}

type F = (...x: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
interface Output {
  shape: number[];
  dtype: string;
  values: ArrayLike<number>;
}

function listed(result: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(result) ? result : [result];
}

/** The nearest bf16 value. */
export function roundBf16(x: number): number {
  const bits = new Uint32Array(Float32Array.of(x).buffer);
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

/** A float32 tensor on the native backend that is stored as bf16. */
export function bf16Tensor(input: Input): tf.Tensor {
  const bits = Uint16Array.from(
    input.values,
    (x) => new Uint32Array(Float32Array.of(roundBf16(x)).buffer)[0]! >>> 16,
  );
  const backend = tf.backend() as NativeBackend;
  const info = backend.adopt(backend.binding.upload(bits), input.shape, 'float32');
  return tf.engine().makeTensorFromTensorInfo(info, backend) as tf.Tensor;
}

function run(backend: 'native' | 'cpu', f: F, inputs: Input[], asBf16: boolean): Output[] {
  selectBackend(backend);
  return tf.tidy(() => {
    const tensors = inputs.map((input) => {
      if (!asBf16 || input.dtype !== 'float32')
        return tf.tensor(input.values.slice(), input.shape, input.dtype);
      if (backend === 'native') return bf16Tensor(input);
      return tf.tensor(Float32Array.from(input.values, roundBf16), input.shape, 'float32');
    });
    return listed(f(...tensors)).map((y) => ({ shape: y.shape, dtype: y.dtype, values: y.dataSync() }));
  });
}

/** Errors up to `tolerance` relative to the larger of 1 and the value are accepted; NaN must meet NaN. */
function compare(actual: Output, expected: Output, tolerance: number): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.dtype).toBe(expected.dtype);
  for (let i = 0; i < expected.values.length; i++) {
    const [a, e] = [actual.values[i]!, expected.values[i]!];
    const same = a === e || (Number.isNaN(a) && Number.isNaN(e));
    if (!same && !(Math.abs(a - e) <= tolerance * Math.max(1, Math.abs(e)))) {
      expect.fail(`element ${i} of [${expected.shape}]: native ${a}, cpu ${e}`);
    }
  }
}

/** Runs `f` on both backends, compares all outputs, and checks that the native one holds no buffer afterwards. */
export function differ(f: F, inputs: Input[], tolerance = 2e-5): void {
  const expected = run('cpu', f, inputs, false);
  selectBackend('native');
  const before = memoryStats().liveBuffers;
  const actual = run('native', f, inputs, false);
  expect(memoryStats().liveBuffers).toBe(before);
  for (const [i, output] of expected.entries()) compare(actual[i]!, output, tolerance);
}

/** As {@link differ} with operands stored as bf16; the reference gets the rounded values in float32. */
export function differBf16(f: F, inputs: Input[], tolerance = 2e-2): void {
  const expected = run('cpu', f, inputs, true);
  const actual = run('native', f, inputs, true);
  for (const [i, output] of expected.entries()) compare(actual[i]!, output, tolerance);
}

/** Physical type of a tensor of the native backend. */
export function physName(x: tf.Tensor): string {
  const code = (tf.backend() as NativeBackend).physOf(x);
  return Object.keys(Phys).find((name) => Phys[name as keyof typeof Phys] === code)!;
}
