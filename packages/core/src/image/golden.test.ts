import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findGoldenTiny } from '../../test/shared-folder.js';
import { openSafetensors } from '../tensor-io/index.js';
import { decodeImage } from './decode.js';
import { fitSize, type ResizeRule } from './fit-size.js';
import { gridPositions, patchify, toPixels } from './pixels.js';
import { resizeBicubic } from './resize.js';
import type { RgbImage } from './rgb-image.js';

const VAE: ResizeRule = { maxSize: 64, minSize: 32, stride: 16, maxPixels: 1_806_336 };
const VIT: ResizeRule = { maxSize: 56, minSize: 28, stride: 14, maxPixels: 2352 };

function transform(image: RgbImage, rule: ResizeRule, imageCount = 1): RgbImage {
  const { width, height } = fitSize(image.width, image.height, rule, imageCount, 'reference');
  return resizeBicubic(image, width, height);
}

/** [H, W, 3] to [3, H, W], the layout of the reference. */
function channelsFirst(pixels: Float32Array): Float32Array {
  const plane = pixels.length / 3;
  return Float32Array.from(
    { length: pixels.length },
    (_, i) => pixels[(i % plane) * 3 + Math.floor(i / plane)] as number,
  );
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] as number))), 0);
}

const golden = findGoldenTiny();
describe.skipIf(golden === undefined)('reference images', () => {
  it.each([
    ['image_rgb_odd', 'rgb_odd.png', 1],
    ['image_rgba_alpha', 'rgba_alpha.png', 1],
    ['image_palette_transparent', 'palette_transparent.png', 2],
    ['image_jpeg_named_png', 'jpeg_named_png.png', 1],
    ['image_gray', 'gray.png', 1],
    ['image_wide', 'wide.png', 3],
  ])('%s: decoded, resized, normalised and cut as the reference does', async (id, name, imageCount) => {
    const file = openSafetensors(join(golden as string, 'cases/02_images.safetensors'));
    const expectBytes = (tensor: string, image: RgbImage) => {
      expect(file.info(`${id}/${tensor}`).shape).toEqual([image.height, image.width, 3]);
      expect(Buffer.from(file.bytes(`${id}/${tensor}`)).equals(Buffer.from(image.data)), tensor).toBe(true);
    };
    const expectFloats = (tensor: string, values: Float32Array) =>
      expect(largestDifference(file.readFloat32(`${id}/${tensor}`), values), tensor).toBeLessThanOrEqual(
        1e-6,
      );

    const image = await decodeImage(join(golden as string, 'cases/images', name));
    const vae = transform(image, VAE);
    const vit = transform(image, VIT, imageCount);
    const vitAfterVae = transform(vae, VIT);
    expectBytes('rgb_u8', image);
    expectBytes('vae_u8', vae);
    expectBytes('vit_u8', vit);
    expectBytes('vit_after_vae_u8', vitAfterVae);
    expectFloats('vae_f32', channelsFirst(toPixels(vae)));
    expectFloats('vit_f32', channelsFirst(toPixels(vit)));
    expectFloats('vit_patches', patchify(vit, 14));
    expectFloats('vit_after_vae_patches', patchify(vitAfterVae, 14));
    expect(file.readInt32(`${id}/vit_position_ids`)).toEqual(
      gridPositions(vit.height / 14, vit.width / 14, 12),
    );
    expect(file.readInt32(`${id}/vae_position_ids`)).toEqual(
      gridPositions(vae.height / 16, vae.width / 16, 16),
    );
    file.close();
  });
});
