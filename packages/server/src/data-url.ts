import { invalidRequest } from './errors.js';

const DATA_URL = /^data:(image\/[a-z0-9.+-]+);base64,([A-Za-z0-9+/=\s]+)$/;

/** The bytes of a picture in a data URL. @throws ApiError 400 that names the field; addresses are never fetched */
export function decodeDataUrl(url: string, param: string): Uint8Array {
  const match = DATA_URL.exec(url);
  if (match?.[2]) return Buffer.from(match[2], 'base64');
  const found = url.length > 40 ? `${url.slice(0, 40)}…` : url;
  throw invalidRequest(
    `Expected a data URL such as "data:image/png;base64,…", found "${found}". Addresses are not fetched.`,
    param,
    'invalid_image_url',
  );
}
