import { decodeImage, gridPositions, patchify, type RgbImage, toPixels } from '../../image/index.js';
import { resizeTo } from '../../model/index.js';
import type { CaseRunner } from '../case.js';

/** Decoding, resizing, normalising and cutting (spec 2.9, 3.2, 3.3). */
export const imageCase: CaseRunner = async (golden, entry) => {
  const { images, latent, vit } = golden.config;
  const rgb = await decodeImage(golden.path(entry.inputs.file as string));
  const forVae = resizeTo(rgb, images.vae, 1, 'reference');
  const forVit = resizeTo(rgb, images.vitTraining, entry.inputs.img_num_for_vit as number, 'reference');
  const again = resizeTo(forVae, images.vitInference, 1, 'reference');
  return {
    outputs: {
      rgb_u8: rgb.data,
      vae_u8: forVae.data,
      vit_u8: forVit.data,
      vit_after_vae_u8: again.data,
      vae_f32: planes(forVae),
      vit_f32: planes(forVit),
      vit_patches: patchify(forVit, vit.patchSize),
      vit_after_vae_patches: patchify(again, vit.patchSize),
      vit_position_ids: gridPositions(
        forVit.height / vit.patchSize,
        forVit.width / vit.patchSize,
        vit.patchesPerSide,
      ),
      vae_position_ids: gridPositions(
        forVae.height / latent.pixels,
        forVae.width / latent.pixels,
        latent.maxSide,
      ),
    },
  };
};

/** Normalised pixels in the order [3, H, W]. */
function planes(image: RgbImage): Float32Array {
  const pixels = toPixels(image);
  const plane = pixels.length / 3;
  return Float32Array.from(pixels, (_, i) => pixels[(i % plane) * 3 + Math.floor(i / plane)] as number);
}
