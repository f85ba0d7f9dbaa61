import { roundHalfToEven } from '../../image/index.js';

/** Size of a picture after a resize, and where the crop of it begins. */
export interface CropGeometry {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
}

/**
 * How half a pixel of excess is split between the sides: torchvision rounds half to even (`CenterCrop`), the image
 * processors of the published towers round down (rewards specification §2.1).
 */
export type CropRounding = 'half to even' | 'down';

/**
 * Resize of the shorter edge to `shortestEdge`, proportions kept and the longer edge truncated, then a centred crop
 * (rewards specification §2.1).
 */
export function shorterEdgeGeometry(
  picture: { readonly width: number; readonly height: number },
  shortestEdge: number,
  crop: { readonly width: number; readonly height: number },
  rounding: CropRounding,
): CropGeometry {
  const { width: w, height: h } = picture;
  const short = Math.min(w, h);
  const long = Math.trunc((shortestEdge * Math.max(w, h)) / short);
  const [width, height] = h <= w ? [long, shortestEdge] : [shortestEdge, long];
  const offset = (excess: number) =>
    rounding === 'down' ? Math.floor(excess / 2) : roundHalfToEven(excess / 2);
  return { width, height, left: offset(width - crop.width), top: offset(height - crop.height) };
}

/** Copies a window out of row-major [height, width, 3] values into `out`. The window must lie inside. */
export function copyWindow<T extends Uint8Array | Float32Array>(
  data: T,
  width: number,
  window: { left: number; top: number; width: number; height: number },
  out: T,
): T {
  for (let y = 0; y < window.height; y++) {
    const from = ((window.top + y) * width + window.left) * 3;
    out.set(data.subarray(from, from + window.width * 3), y * window.width * 3);
  }
  return out;
}
