/** The formats that are decoded. */
export type ImageFormat = 'PNG' | 'JPEG' | 'WebP' | 'GIF';

export const ACCEPTED_FORMATS: readonly ImageFormat[] = ['PNG', 'JPEG', 'WebP', 'GIF'];

const SIGNATURES: readonly (readonly [name: string, offset: number, signature: string])[] = [
  ['PNG', 0, '\x89PNG\r\n\x1a\n'],
  ['JPEG', 0, '\xff\xd8\xff'],
  ['WebP', 8, 'WEBP'],
  ['GIF', 0, 'GIF87a'],
  ['GIF', 0, 'GIF89a'],
  ['BMP', 0, 'BM'],
  ['TIFF', 0, 'II*\0'],
  ['TIFF', 0, 'MM\0*'],
  ['AVIF', 4, 'ftypavif'],
  ['HEIC', 4, 'ftyphei'],
  ['HEIC', 4, 'ftypmif1'],
  ['JPEG XL', 0, '\xff\x0a'],
  ['JPEG XL', 4, 'JXL \r\n'],
  ['PDF', 0, '%PDF'],
  ['a ZIP archive', 0, 'PK\x03\x04'],
  ['SVG or XML', 0, '<?xml'],
  ['SVG or XML', 0, '<svg'],
  ['an HTML page', 0, '<!'],
  ['an HTML page', 0, '<html'],
  ['a Git LFS pointer', 0, 'version https://git-lfs'],
  ['JSON', 0, '{'],
];

/** Name of what the first bytes announce, whatever the file is called; `undefined` when they announce nothing known. */
export function sniff(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 32));
  return SIGNATURES.find(([, offset, signature]) => start.startsWith(signature, offset))?.[0];
}

/** True when the format is one that is decoded. */
export function isAccepted(format: string | undefined): format is ImageFormat {
  return ACCEPTED_FORMATS.some((accepted) => accepted === format);
}

/** The first bytes in hexadecimal, for messages. */
export function firstBytes(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
