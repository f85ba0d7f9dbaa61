import type { FloatImage } from '../reward-model.js';

/** For each target pixel the first source pixel and the weights of the pixels from there on. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Triangle filter, widened by the factor when shrinking (antialiasing), renormalised at the edges. */
function bilinearTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const radius = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(Math.trunc(centre - radius + 0.5), 0);
    const end = Math.min(Math.trunc(centre + radius + 0.5), from);
    const raw = Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k - centre + 0.5) / radius),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

/**
 * Bilinear resize of float values with antialiasing, width first, as torchvision's `Resize` does on tensors: no 8-bit
 * step and no clamp (rewards specification §2.2).
 */
export function resizeBilinear(image: FloatImage, width: number, height: number): FloatImage {
  const { width: w, height: h } = image;
  let { data } = image;
  if (width !== w)
    data = resizeLines(data, bilinearTaps(w, width), { lines: h, from: w * 3, to: width * 3, step: 3 });
  if (height !== h) {
    // A line is a column of one channel here; its neighbours are one row apart.
    data = resizeLines(data, bilinearTaps(h, height), { lines: width, from: 3, to: 3, step: width * 3 });
  }
  return { width, height, data };
}

interface Lines {
  readonly lines: number;
  /** Distance between the beginnings of two lines in the source and in the target. */
  readonly from: number;
  readonly to: number;
  /** Distance between neighbours in a line. */
  readonly step: number;
}

function resizeLines(data: Float32Array, taps: readonly Taps[], layout: Lines): Float32Array {
  const { lines, from, to, step } = layout;
  const out = new Float32Array(lines * taps.length * 3);
  taps.forEach(({ first, weights }, target) => {
    for (let line = 0; line < lines; line++) {
      let at = line * from + first * step;
      let [red, green, blue] = [0, 0, 0];
      for (const weight of weights) {
        red += weight * data[at]!;
        green += weight * data[at + 1]!;
        blue += weight * data[at + 2]!;
        at += step;
      }
      const place = line * to + target * step;
      out[place] = red;
      out[place + 1] = green;
      out[place + 2] = blue;
    }
  });
  return out;
}
