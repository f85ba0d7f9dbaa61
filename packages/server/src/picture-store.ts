import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng, type RgbImage, writeFileAtomic } from '@unicharacter/core';
import { ApiError } from './errors.js';

/** A picture on disk. `id` is made from its content, so the same picture is kept once. */
export interface StoredPicture {
  readonly id: string;
  readonly png: Buffer;
}

const FILE_ID = /^file-[0-9a-f]{64}$/;

/** Says in every drawn file what it is. */
const PROVENANCE = { Software: 'UniCharacter', Comment: 'Drawn by a generative model.' };

/** A drawn picture as PNG with its provenance. */
export function picturePng(image: RgbImage): Promise<Buffer> {
  return encodePng(image, PROVENANCE);
}

/** Pictures that clients fetch by address, in one folder. */
export class PictureStore {
  constructor(private readonly folder: string) {}

  async keep(image: RgbImage): Promise<StoredPicture> {
    const png = await picturePng(image);
    const id = `file-${createHash('sha256').update(png).digest('hex')}`;
    writeFileAtomic(this.path(id), png);
    return { id, png };
  }

  /**
   * The PNG of an id. Only ids of the store's own form reach the file system.
   * @throws ApiError 404
   */
  async read(id: string): Promise<Buffer> {
    if (FILE_ID.test(id)) {
      const png = await readFile(this.path(id)).catch(() => undefined);
      if (png) return png;
    }
    throw new ApiError(404, 'not_found_error', `There is no file "${id.slice(0, 80)}".`, {
      param: 'id',
      code: 'file_not_found',
    });
  }

  private path(id: string): string {
    return join(this.folder, `${id}.png`);
  }
}
