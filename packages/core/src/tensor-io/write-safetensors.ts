import { replaceFile } from './atomic-file.js';
import { bytesPerElement, narrowToBfloat16 } from './dtype.js';
import { SafetensorsError } from './safetensors-error.js';

/** A tensor to be stored. BF16 takes float32 values (rounded to nearest even) or ready bit patterns. */
export type StoredTensor = { name: string; shape: readonly number[] } & (
  | { dtype: 'F32'; data: Float32Array }
  | { dtype: 'BF16'; data: Float32Array | Uint16Array }
  | { dtype: 'I32'; data: Int32Array }
  | { dtype: 'U8'; data: Uint8Array }
);

/** Elements that are rounded to bfloat16 and written at a time. */
const CHUNK_ELEMENTS = 1 << 20;

/**
 * Writes a safetensors file atomically: `path` holds the old content until the new one is complete on disk.
 *
 * Tensors are stored 4-byte types first, otherwise in the given order, so that every tensor is aligned to its type.
 *
 * @throws SafetensorsError for repeated names, data that does not match its shape, and failed writes (the old file
 *   is untouched then and no temporary file remains)
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const ordered = [...tensors].sort((a, b) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype));
  const header = encodeHeader(path, ordered, metadata);
  try {
    replaceFile(path, (append) => {
      append(header);
      for (const tensor of ordered) appendData(tensor, append);
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SafetensorsError(path, `could not be written, what was there before is unchanged (${reason})`, {
      cause,
    });
  }
}

function encodeHeader(
  path: string,
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set('__metadata__', metadata);
  let position = 0;
  for (const { name, dtype, shape, data } of tensors) {
    if (header.has(name) || name === '__metadata__') {
      throw new SafetensorsError(path, 'the name is used twice or reserved', { tensor: name });
    }
    const elements = shape.reduce((product, size) => product * size, 1);
    if (elements !== data.length) {
      throw new SafetensorsError(
        path,
        `shape [${shape.join(', ')}] has ${elements} elements, the data has ${data.length}`,
        { tensor: name },
      );
    }
    const end = position + elements * bytesPerElement(dtype);
    header.set(name, { dtype, shape, data_offsets: [position, end] });
    position = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

function appendData(tensor: StoredTensor, append: (bytes: Uint8Array) => void): void {
  const { data } = tensor;
  if (tensor.dtype !== 'BF16' || data instanceof Uint16Array) {
    append(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return;
  }
  const bits = new Uint16Array(Math.min(CHUNK_ELEMENTS, data.length));
  for (let start = 0; start < data.length; start += CHUNK_ELEMENTS) {
    const part = (data as Float32Array).subarray(start, start + CHUNK_ELEMENTS);
    narrowToBfloat16(part, bits);
    append(new Uint8Array(bits.buffer, 0, part.length * 2));
  }
}
