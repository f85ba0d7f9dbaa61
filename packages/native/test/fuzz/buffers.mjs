// Contents of buffers in the arrays that the addon takes.
const ARRAYS = [Float32Array, Uint16Array, Int32Array, Uint8Array];
const BF16 = 1;

/** `count` elements of physical type `phys`; `values` are repeated. */
export function bufferArray(phys, count, values) {
  const array = new ARRAYS[phys](count);
  for (let i = 0; i < count && values.length > 0; i++) {
    const value = values[i % values.length];
    array[i] = phys === BF16 ? new Uint32Array(Float32Array.of(value).buffer)[0] >>> 16 : value;
  }
  return array;
}
