import type { TaskSample } from '../data/index.js';
import { fitSize, type ResizeRule, type RgbImage } from '../image/index.js';
import type { ModelConfig } from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import { type EncodedTask, encodeTasks } from './task-encoder.js';

const NOTHING = new Float32Array(0);

/**
 * Samples as long as they will be, with texts and without the values of their pictures: nothing is resized or encoded. For
 * plans and counts only.
 */
export function sizedTasks(
  samples: readonly TaskSample[],
  pictures: ReadonlyMap<string, RgbImage>,
  tokenizer: Tokenizer,
  { images, latent, vit }: ModelConfig,
): EncodedTask[] {
  const grids = (rule: ResizeRule, unit: number) =>
    new Map(
      [...pictures].map(([id, picture]) => {
        const { width, height } = fitSize(picture.width, picture.height, rule);
        return [id, { rows: Math.floor(height / unit), columns: Math.floor(width / unit) }] as const;
      }),
    );
  const filled = <T>(sizes: ReturnType<typeof grids>, values: T) =>
    new Map([...sizes].map(([id, size]) => [id, { ...size, ...values }]));
  return encodeTasks(samples, tokenizer, {
    patches: filled(grids(images.vitTraining, vit.patchSize), { patches: NOTHING }),
    latents: filled(grids(images.vae, latent.pixels), { latents: NOTHING, deviations: NOTHING }),
  });
}
