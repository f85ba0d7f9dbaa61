import sharp from 'sharp';
import { decodeImage } from '../image/index.js';

const JPEG_QUALITY = 90;

/**
 * A picture as it is sent: a JPEG as data URL, no side longer than `side` pixels.
 * @throws ImageError naming the file that is no picture
 */
export async function shownPicture(path: string, side: number): Promise<string> {
  const { width, height, data } = await decodeImage(path);
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: JPEG_QUALITY })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
