import { ImageError } from './image-error.js';
import { checkImage, type RgbImage } from './rgb-image.js';

/** Fractional bits of the integer filter weights, as in Pillow: 32 - 8 (value) - 2 (overshoot of the kernel). */
const WEIGHT_BITS = 22;

/** The part of a source line that makes one target pixel: `weights[start .. start + count)` applied from `first`. */
interface Filter {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  readonly stride: number;
}

/** Keys' cubic kernel with a = -0.5; zero outside [-2, 2]. */
function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
  return 0;
}

/** Filter weights of every target pixel; when shrinking, the kernel is widened by the factor (antialiasing). */
function cubicFilter(from: number, to: number): Filter {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  const support = 2 * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  const exact = new Float64Array(stride);
  for (let target = 0; target < to; target++) {
    const centre = (target + 0.5) * scale;
    const begin = Math.max(Math.trunc(centre - support + 0.5), 0);
    const length = Math.min(Math.trunc(centre + support + 0.5), from) - begin;
    let sum = 0;
    for (let k = 0; k < length; k++) {
      const weight = cubic((k + begin - centre + 0.5) * (1 / widening));
      exact[k] = weight;
      sum += weight;
    }
    for (let k = 0; k < length; k++) {
      const weight = ((exact[k] as number) / sum) * (1 << WEIGHT_BITS);
      weights[target * stride + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[target] = begin;
    count[target] = length;
  }
  return { first, count, weights, stride };
}

/**
 * Bicubic resize, equal to Pillow's `Image.resize(size, BICUBIC)` bit by bit: horizontal pass, then vertical pass,
 * integer weights, each pass rounded to 8 bits; a pass whose size does not change is left out (spec 3.2).
 */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  checkImage(image);
  if (!Number.isSafeInteger(width) || !Number.isSafeInteger(height) || width < 1 || height < 1) {
    throw new ImageError(`expected a target size of at least 1x1, found ${width}x${height}`);
  }
  let { data } = image;
  if (width !== image.width) {
    const across = { lines: image.height, lineStep: image.width * 3, step: 3, outLineStep: width * 3 };
    data = filterLines(data, cubicFilter(image.width, width), width, across);
  }
  if (height !== image.height) {
    // A "line" is a column here: neighbours are one row apart.
    const down = { lines: width, lineStep: 3, step: width * 3, outLineStep: 3 };
    data = filterLines(data, cubicFilter(image.height, height), height, down);
  }
  return { width, height, data: data === image.data ? data.slice() : data };
}

interface LineLayout {
  readonly lines: number;
  /** Distance between lines of the source. */
  readonly lineStep: number;
  /** Distance between neighbours in a line, the same in source and target. */
  readonly step: number;
  readonly outLineStep: number;
}

function filterLines(data: Uint8Array, filter: Filter, length: number, layout: LineLayout): Uint8Array {
  const { lines, lineStep, step, outLineStep } = layout;
  const { first, count, weights, stride } = filter;
  const out = new Uint8Array(lines * length * 3);
  const half = 1 << (WEIGHT_BITS - 1);
  for (let line = 0; line < lines; line++) {
    for (let target = 0; target < length; target++) {
      const taps = count[target] as number;
      const weightAt = target * stride;
      let at = line * lineStep + (first[target] as number) * step;
      let red = half;
      let green = half;
      let blue = half;
      for (let k = 0; k < taps; k++, at += step) {
        const weight = weights[weightAt + k] as number;
        red += (data[at] as number) * weight;
        green += (data[at + 1] as number) * weight;
        blue += (data[at + 2] as number) * weight;
      }
      const to = line * outLineStep + target * step;
      out[to] = clip8(red >> WEIGHT_BITS);
      out[to + 1] = clip8(green >> WEIGHT_BITS);
      out[to + 2] = clip8(blue >> WEIGHT_BITS);
    }
  }
  return out;
}

function clip8(value: number): number {
  return Math.max(0, Math.min(value, 255));
}
