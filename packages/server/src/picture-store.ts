import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng, type RgbImage, writeFileAtomic } from '@unicharacter/core';
import { decodeDataUrl } from './data-url.js';
import { ApiError } from './errors.js';
import { decodeSentPicture } from './sent-picture.js';

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
    return this.write(await picturePng(image));
  }

  /**
   * The id of a picture that a client sends: a data URL, or the id of one that is here already. A picture that was not
   * drawn here is decoded and written anew, so that nothing but pixels gets in.
   * @throws ApiError 400 for what is no picture, 404 for an unknown id
   */
  async accept(picture: string, param = 'picture'): Promise<string> {
    if (FILE_ID.test(picture)) {
      if (existsSync(this.path(picture))) return picture;
      throw noSuchFile(picture);
    }
    const bytes = decodeDataUrl(picture, param);
    const known = idOf(bytes);
    if (existsSync(this.path(known))) return known;
    return this.write(await encodePng(await decodeSentPicture(bytes, param))).id;
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
    throw noSuchFile(id);
  }

  private write(png: Buffer): StoredPicture {
    const id = idOf(png);
    if (!existsSync(this.path(id))) writeFileAtomic(this.path(id), png);
    return { id, png };
  }

  private path(id: string): string {
    return join(this.folder, `${id}.png`);
  }
}

const idOf = (bytes: Uint8Array): string => `file-${createHash('sha256').update(bytes).digest('hex')}`;

const noSuchFile = (id: string): ApiError =>
  new ApiError(404, 'not_found_error', `There is no file "${id.slice(0, 80)}".`, {
    param: 'id',
    code: 'file_not_found',
  });
