/** What a dropped file is, by its content. */
export type Dropped = 'picture' | 'card' | 'text';

const CARD_KEYWORDS = new Set(['chara', 'ccv3']);

/** A picture, a card or archive that is uploaded as it is, or a text with dialogues. */
export async function kindOf(file: File): Promise<Dropped> {
  const bytes = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  const magic = String.fromCharCode(...bytes);
  if (magic === 'PK\u0003\u0004') return 'card';
  if (magic === '\u0089PNG') return (await holdsCard(file)) ? 'card' : 'picture';
  if (file.type.startsWith('image/')) return 'picture';
  return /"spec"\s*:\s*"chara_card_v/.test(await file.slice(0, 2 ** 20).text()) ? 'card' : 'text';
}

/** Looks for the text chunks in which cards travel (PNG, section 11.3.3: a keyword, a zero byte, the text). */
async function holdsCard(png: Blob): Promise<boolean> {
  const bytes = await png.arrayBuffer();
  const view = new DataView(bytes);
  const latin = (at: number, length: number) =>
    String.fromCharCode(...new Uint8Array(bytes, at, Math.max(0, Math.min(length, bytes.byteLength - at))));
  for (let at = 8; at + 12 <= bytes.byteLength; at += 12 + view.getUint32(at)) {
    if (latin(at + 4, 4) === 'tEXt' && CARD_KEYWORDS.has(latin(at + 8, 6).split('\0')[0] ?? '')) return true;
  }
  return false;
}
