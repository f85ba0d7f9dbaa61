import { join, relative } from 'node:path';
import { noGrad, tf } from '@unicharacter/native';
import { contactSheet, encodePng, fromPixels, type RgbImage } from '../image/index.js';
import type { FlowVae } from '../model/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import type { Session } from './session.js';

/** Pictures that are shown. */
const SHOWN = 6;

/** Writes `samples/autoencoder.png`: pictures above, what the autoencoder makes of them below. */
export async function writeReconstructions(
  { run, emit, config }: Session,
  vae: FlowVae,
  pictures: ReadonlyMap<string, RgbImage>,
  pixels: readonly tf.Tensor3D[],
): Promise<void> {
  const originals = [...pictures.values()].slice(0, SHOWN);
  const decoded: RgbImage[] = [];
  for (const picture of pixels.slice(0, SHOWN)) {
    const output = noGrad(() =>
      tf.tidy(() => vae.decodeRaw(vae.encode(tf.expandDims(picture, 0) as tf.Tensor4D).mean)),
    );
    decoded.push(fromPixels(await output.data<'float32'>(), picture.shape[0], picture.shape[1]));
    output.dispose();
  }
  const path = join(run.samples, 'autoencoder.png');
  writeFileAtomic(path, await encodePng(contactSheet([...originals, ...decoded], originals.length)));
  emit({
    type: 'sample',
    stage: 'vae',
    step: config.vae.steps,
    samples: [],
    sheet: relative(run.root, path),
  });
}
