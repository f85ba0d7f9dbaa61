/**
 * The printable alphabet of byte-level BPE: every byte has one visible character, so that vocabularies are plain text.
 *
 * Bytes 33..126, 161..172 and 174..255 stand for themselves; the other 68, in ascending order, become U+0100, U+0101 ...
 * (the convention of GPT-2, kept by Qwen2).
 */
export const BYTE_TO_CHARACTER: readonly string[] = buildAlphabet();

/** Inverse of {@link BYTE_TO_CHARACTER}. */
export const CHARACTER_TO_BYTE: ReadonlyMap<string, number> = new Map(
  BYTE_TO_CHARACTER.map((character, byte) => [character, byte]),
);

/**
 * The alphabet in the order in which vocabularies list it: the bytes that stand for themselves first, then the others.
 */
export const ALPHABET: readonly string[] = [...BYTE_TO_CHARACTER].sort(
  (a, b) => (a.codePointAt(0) as number) - (b.codePointAt(0) as number),
);

function standsForItself(byte: number): boolean {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

function buildAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(standsForItself(byte) ? byte : next++));
}

/** Bytes of a token written in the alphabet, or `undefined` when a character is not of the alphabet. */
export function tokenToBytes(token: string): Uint8Array | undefined {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = CHARACTER_TO_BYTE.get(token[i] as string);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** Text as characters of the alphabet, one per UTF-8 byte. */
export function textToAlphabet(text: string): string {
  let out = '';
  for (const byte of new TextEncoder().encode(text)) out += BYTE_TO_CHARACTER[byte];
  return out;
}
