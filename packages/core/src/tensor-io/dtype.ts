/** Bytes per element of every type the safetensors format names. */
const BYTES_PER_ELEMENT = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const;

/** Element type of a stored tensor, spelled as in the file. */
export type SafetensorsDtype = keyof typeof BYTES_PER_ELEMENT;

/** Names of all element types that a file may use. */
export const SAFETENSORS_DTYPES = Object.keys(BYTES_PER_ELEMENT) as SafetensorsDtype[];

/** True when `name` is an element type of the format. */
export function isSafetensorsDtype(name: unknown): name is SafetensorsDtype {
  return typeof name === 'string' && Object.hasOwn(BYTES_PER_ELEMENT, name);
}

/** Size of one element in bytes. */
export function bytesPerElement(dtype: SafetensorsDtype): number {
  return BYTES_PER_ELEMENT[dtype];
}

/**
 * Widens bfloat16 bit patterns to float32; exact, a bfloat16 is the upper half of a float32.
 *
 * `bits` may lie in the upper half of the memory of `out`: element i is read before that place is overwritten.
 */
export function widenBfloat16(bits: Uint16Array, out: Float32Array): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = (bits[i] as number) << 16;
}

/**
 * Widens IEEE 754 binary16 bit patterns to float32; exact, subnormals, infinities and NaN payloads included.
 *
 * `bits` may lie in the upper half of the memory of `out`, as in {@link widenBfloat16}.
 */
export function widenFloat16(bits: Uint16Array, out: Float32Array): void {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = float16ToFloat32Bits(bits[i] as number);
}

function float16ToFloat32Bits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: shift the leading one into the implicit place; clz32 of a 10-bit number is at least 22.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

const scratchFloat = new Float32Array(1);
const scratchWord = new Uint32Array(scratchFloat.buffer);

/** Rounds one float32 to bfloat16 bits, to nearest with ties to even; NaN stays a (quiet) NaN. */
export function toBfloat16Bits(value: number): number {
  scratchFloat[0] = value;
  const word = scratchWord[0] as number;
  if ((word & 0x7fffffff) > 0x7f800000) return ((word >>> 16) | 0x40) & 0xffff;
  return ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;
}

/** Rounds `values` to bfloat16 bit patterns, to nearest with ties to even, into `out` of the same length. */
export function narrowToBfloat16(values: Float32Array, out: Uint16Array): void {
  for (let i = 0; i < values.length; i++) out[i] = toBfloat16Bits(values[i] as number);
}
