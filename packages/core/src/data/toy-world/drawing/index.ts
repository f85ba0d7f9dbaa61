import sharp from 'sharp';
import type { RgbImage } from '../../../image/index.js';
import type { Look, ToyScene } from '../attributes.js';
import { animal } from './animal.js';
import { background } from './places.js';
import { ellipse, group } from './shapes.js';
import { weatherBefore, weatherBehind } from './weather.js';

interface Frame {
  /** Where the point (0, 0) of the character, the middle of its head while it stands, is drawn. */
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

const FRAMES: Readonly<Record<ToyScene['framing'], Frame>> = {
  full: { x: 128, y: 108, scale: 0.98 },
  close: { x: 128, y: 140, scale: 1.45 },
  far: { x: 128, y: 152, scale: 0.55 },
};

/** Lying, head and body are side by side; a close view has to show both. */
const LYING_CLOSE: Frame = { x: 106, y: 24, scale: 1.15 };

/** A picture of a character in a scene as an SVG document, 256 × 256 units. The same arguments give the same text. */
export function sceneSvg(look: Look, scene: ToyScene): string {
  const lies = scene.pose === 'lying';
  const { x, y, scale } = lies && scene.framing === 'close' ? LYING_CLOSE : FRAMES[scene.framing];
  const shadow = ellipse(lies ? 20 : 0, 126, lies ? 84 : 52, 9, 'rgba(20,20,40,0.22)');
  const parts = [
    background(scene),
    weatherBehind(scene),
    group(
      `translate(${x} ${y}) scale(${scale})`,
      shadow,
      group(lies ? 'translate(-20 30)' : '', animal(look, scene)),
    ),
    weatherBefore(scene),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256" viewBox="0 0 256 256">${parts.join('')}</svg>`;
}

/** Renders an SVG of 256 × 256 units at `size` pixels a side. */
function rasterise(svg: string, size: number) {
  return sharp(Buffer.from(svg), { density: (72 * size) / 256 })
    .resize(size, size)
    .removeAlpha();
}

/** The picture as RGB pixels. @param size side in pixels */
export async function drawScene(look: Look, scene: ToyScene, size: number): Promise<RgbImage> {
  const { data, info } = await rasterise(sceneSvg(look, scene), size)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.length),
  };
}

/** The picture as a PNG file. @param size side in pixels */
export async function scenePng(look: Look, scene: ToyScene, size: number): Promise<Buffer> {
  return rasterise(sceneSvg(look, scene), size).png({ compressionLevel: 9, palette: false }).toBuffer();
}
