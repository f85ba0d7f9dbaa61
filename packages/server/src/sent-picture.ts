import { decodeImage, ImageError, type RgbImage } from '@unicharacter/core';
import { invalidRequest } from './errors.js';

/** Decodes a picture that came with a request. @throws ApiError 400 that names the field `param` */
export async function decodeSentPicture(bytes: Uint8Array, param: string): Promise<RgbImage> {
  try {
    return await decodeImage(bytes);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw invalidRequest(`The image cannot be read: ${error.message}`, param, 'invalid_image');
  }
}
