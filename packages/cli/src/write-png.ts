import type { RgbImage } from '@unicharacter/core';
import type { Core } from './context.js';

/** Writes a drawn image; the file says that it was made by a model, and from which prompt. */
export async function writePng(core: Core, path: string, image: RgbImage, prompt: string): Promise<void> {
  const png = await core.encodePng(image, {
    Software: 'UniCharacter',
    Comment: 'Drawn by a generative model.',
    Description: prompt,
  });
  core.writeFileAtomic(path, png);
}
