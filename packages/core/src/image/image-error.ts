/** An image that cannot be used; the message names the file, what was found and what is accepted. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}
