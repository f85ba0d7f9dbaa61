/** Pictures that cannot be read, are too small, or are there twice. */

import { createHash } from 'node:crypto';
import type { RgbImage } from '../../image/index.js';
import type { Character } from '../character.js';
import type { Finding } from './finding.js';
import { averageHash, hashDistance, NEAR_DUPLICATE_CELLS } from './image-hash.js';

interface Seen {
  path: string;
  pixels: string;
  print: Uint8Array;
}

/** @param minSide pictures with a side below this many pixels are called tiny */
export async function checkImages(
  character: Character,
  decode: (path: string) => Promise<RgbImage>,
  minSide: number,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const seen: Seen[] = [];
  for (const { path } of character.images) {
    const report = (severity: Finding['severity'], message: string): void => {
      findings.push({ severity, file: path, field: '', message });
    };
    let image: RgbImage;
    try {
      image = await decode(path);
    } catch (error) {
      report('error', `cannot be decoded: ${error instanceof Error ? error.message : String(error)}`);
      continue;
    }
    const { width, height, data } = image;
    if (Math.min(width, height) < minSide) {
      report('warning', `is tiny (${width} x ${height}); both sides should have at least ${minSide} pixels`);
    }
    const pixels = createHash('sha256').update(`${width}x${height}`).update(data).digest('hex');
    const current = { path, pixels, print: averageHash(image) };
    const twin = seen.find((other) => other.pixels === current.pixels);
    const near = seen.find((other) => hashDistance(other.print, current.print) <= NEAR_DUPLICATE_CELLS);
    if (twin) report('warning', `is the same picture as ${twin.path}`);
    else if (near) report('warning', `looks almost the same as ${near.path}`);
    seen.push(current);
  }
  return findings;
}
