import { request } from './request.js';

/** A picture behind the API key, as an address for an `img` element; the caller revokes it. */
export async function fetchPicture(address: string): Promise<string> {
  return URL.createObjectURL(await (await request(pathOf(address))).blob());
}

/** Whole addresses name the host by which the server knows itself; a page behind a proxy reaches it by another. */
function pathOf(address: string): string {
  const { pathname, search } = new URL(address, location.href);
  return pathname + search;
}

/** A picture of the server, or a file, as a data address. */
export async function asDataUrl(source: string | Blob): Promise<string> {
  if (typeof source === 'string' && source.startsWith('data:')) return source;
  const blob = typeof source === 'string' ? await (await request(source)).blob() : source;
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(new Error('The picture cannot be read.'));
    reader.readAsDataURL(blob);
  });
}
