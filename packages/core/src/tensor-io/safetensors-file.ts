import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { widenBfloat16, widenFloat16 } from './dtype.js';
import { type Header, MAX_HEADER_BYTES, parseHeader, type TensorEntry, type TensorInfo } from './header.js';
import { SafetensorsError } from './safetensors-error.js';

/** Where the bytes of a tensor lie, for mapping them. Valid while the source is open. */
export interface TensorPlace {
  readonly descriptor: number;
  /** Length of the whole file when it was opened. */
  readonly fileBytes: number;
  /** First byte of the tensor in the file. */
  readonly offset: number;
}

/** Named tensors that are read on demand, from one file or from several. */
export interface TensorSource {
  /** Names in the order of the header. */
  names(): string[];
  has(name: string): boolean;
  /** Type and shape; no data is read. Throws SafetensorsError for a name that does not exist. */
  info(name: string): TensorInfo;
  /** Values of an F32, BF16 or F16 tensor, widened exactly. Reads straight into the returned array. */
  readFloat32(name: string): Float32Array;
  /** Values of an I32, I64, U8, I8 or BOOL tensor. Throws SafetensorsError for a value outside the int32 range. */
  readInt32(name: string): Int32Array;
  /** The stored bytes, little-endian. */
  bytes(name: string): Uint8Array;
  place(name: string): TensorPlace;
  /** The `__metadata__` strings of the file. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Path of the file that holds the tensor, for messages. */
  fileOf(name: string): string;
  /** Releases the file; reading afterwards throws. */
  close(): void;
}

/** One open safetensors file. */
export type SafetensorsFile = TensorSource;

/**
 * Opens a safetensors file and checks its header. Tensor data is read (pread) only when asked for.
 *
 * @throws SafetensorsError naming the file, and the tensor where one is at fault
 */
export function openSafetensors(path: string): SafetensorsFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SafetensorsError(path, `cannot be opened (${reason})`, { cause });
  }
  try {
    const { header, dataStart, fileBytes } = readHeader(path, descriptor);
    return new OpenFile(path, descriptor, header, dataStart, fileBytes);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function readHeader(
  path: string,
  descriptor: number,
): { header: Header; dataStart: number; fileBytes: number } {
  const status = fstatSync(descriptor);
  if (!status.isFile()) throw new SafetensorsError(path, 'expected a regular file');
  if (status.size < 8) {
    throw new SafetensorsError(
      path,
      `expected at least 8 bytes, found ${status.size}; the file is truncated`,
    );
  }
  const prefix = new Uint8Array(8);
  readFully(path, descriptor, prefix, 0);
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || length > status.size - 8) {
    throw new SafetensorsError(
      path,
      `the header claims ${length} bytes, but the file has ${status.size} and headers end at ${MAX_HEADER_BYTES}; ` +
        'it is truncated or not a safetensors file',
    );
  }
  const bytes = new Uint8Array(length);
  readFully(path, descriptor, bytes, 8);
  const dataStart = 8 + length;
  return { header: parseHeader(path, bytes, status.size - dataStart), dataStart, fileBytes: status.size };
}

class OpenFile implements SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  private closed = false;

  constructor(
    private readonly path: string,
    private readonly descriptor: number,
    private readonly header: Header,
    private readonly dataStart: number,
    private readonly fileBytes: number,
  ) {
    this.metadata = header.metadata;
  }

  names(): string[] {
    return [...this.header.entries.keys()];
  }

  has(name: string): boolean {
    return this.header.entries.has(name);
  }

  info(name: string): TensorInfo {
    const { dtype, shape } = this.entry(name);
    return { dtype, shape };
  }

  readFloat32(name: string): Float32Array {
    const entry = this.entry(name);
    const { dtype } = entry;
    if (dtype === 'F32') {
      const values = new Float32Array((entry.end - entry.begin) / 4);
      this.readInto(name, entry, new Uint8Array(values.buffer));
      return values;
    }
    if (dtype !== 'BF16' && dtype !== 'F16') {
      throw new SafetensorsError(this.path, `expected F32, BF16 or F16 values, found ${dtype}`, {
        tensor: name,
      });
    }
    // The 16-bit values go into the upper half of the result and are widened in place from the front.
    const count = (entry.end - entry.begin) / 2;
    const values = new Float32Array(count);
    const bits = new Uint16Array(values.buffer, count * 2, count);
    this.readInto(name, entry, new Uint8Array(values.buffer, count * 2, count * 2));
    if (dtype === 'BF16') widenBfloat16(bits, values);
    else widenFloat16(bits, values);
    return values;
  }

  readInt32(name: string): Int32Array {
    const { dtype } = this.entry(name);
    const bytes = this.bytes(name);
    switch (dtype) {
      case 'I32':
        return new Int32Array(bytes.buffer);
      case 'I64':
        return this.narrow(name, new BigInt64Array(bytes.buffer));
      case 'I8':
        return Int32Array.from(new Int8Array(bytes.buffer));
      case 'U8':
      case 'BOOL':
        return Int32Array.from(bytes);
      default:
        throw new SafetensorsError(this.path, `expected I32, I64, I8, U8 or BOOL values, found ${dtype}`, {
          tensor: name,
        });
    }
  }

  bytes(name: string): Uint8Array<ArrayBuffer> {
    const entry = this.entry(name);
    const bytes = new Uint8Array(entry.end - entry.begin);
    this.readInto(name, entry, bytes);
    return bytes;
  }

  place(name: string): TensorPlace {
    const { begin } = this.entry(name);
    if (this.closed)
      throw new SafetensorsError(this.path, 'asked for a place after close()', { tensor: name });
    return { descriptor: this.descriptor, fileBytes: this.fileBytes, offset: this.dataStart + begin };
  }

  fileOf(name: string): string {
    this.entry(name);
    return this.path;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.descriptor);
  }

  private narrow(tensor: string, values: BigInt64Array): Int32Array {
    const out = new Int32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = Number(values[i]);
      out[i] = value;
      if (out[i] !== value) {
        throw new SafetensorsError(this.path, `value ${value} at ${i} does not fit into 32 bits`, { tensor });
      }
    }
    return out;
  }

  private entry(name: string): TensorEntry {
    const entry = this.header.entries.get(name);
    if (entry === undefined) {
      throw new SafetensorsError(
        this.path,
        `no such tensor among the ${this.header.entries.size} of the file`,
        {
          tensor: name,
        },
      );
    }
    return entry;
  }

  private readInto(name: string, entry: TensorEntry, target: Uint8Array): void {
    if (this.closed) throw new SafetensorsError(this.path, 'read after close()', { tensor: name });
    readFully(this.path, this.descriptor, target, this.dataStart + entry.begin, name);
  }
}

/** Largest single read; Linux transfers at most 2 GiB - 4 KiB per call. */
const READ_CHUNK = 1 << 30;

function readFully(
  path: string,
  descriptor: number,
  target: Uint8Array,
  position: number,
  tensor?: string,
): void {
  let done = 0;
  while (done < target.length) {
    const count = readSync(
      descriptor,
      target,
      done,
      Math.min(READ_CHUNK, target.length - done),
      position + done,
    );
    if (count === 0) {
      throw new SafetensorsError(
        path,
        `expected ${target.length} bytes from byte ${position} on, found ${done}; the file changed while it was open`,
        tensor === undefined ? {} : { tensor },
      );
    }
    done += count;
  }
}
