/** Longest side of an uploaded picture in pixels: more than any model here is shown, small enough to send. */
const LONGEST_SIDE = 1536;
const AS_THEY_ARE = new Set(['image/png', 'image/webp']);

/**
 * The picture as the server takes it. PNG and WebP of a fitting size stay as they are; others are drawn anew, upright and
 * without what cameras write beside the pixels, such as the place. @throws Error for what this browser cannot read
 */
export async function usableAsPicture(file: File): Promise<Blob> {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} is no picture that this browser can read; save it as PNG or JPEG.`);
  });
  try {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    if (scale === 1 && AS_THEY_ARE.has(file.type)) return file;
    const canvas = new OffscreenCanvas(
      Math.max(1, Math.round(bitmap.width * scale)),
      Math.max(1, Math.round(bitmap.height * scale)),
    );
    const context = canvas.getContext('2d')!;
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const isPhoto = file.type === 'image/jpeg';
    return await canvas.convertToBlob({ type: isPhoto ? 'image/jpeg' : 'image/png', quality: 0.95 });
  } finally {
    bitmap.close();
  }
}
