import { bytesPerElement, isSafetensorsDtype, SAFETENSORS_DTYPES, type SafetensorsDtype } from './dtype.js';
import { SafetensorsError } from './safetensors-error.js';

/** What a file says about one tensor. */
export interface TensorInfo {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
}

/** A tensor entry with its place inside the data section, in bytes. */
export interface TensorEntry extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Longest header that is accepted; the format's own limit. A 7 B checkpoint has about 0.2 MB. */
export const MAX_HEADER_BYTES = 100_000_000;

/**
 * Parses and checks the JSON header of a safetensors file.
 *
 * @param file name used in errors
 * @param bytes the header without its 8-byte length
 * @param dataBytes size of the data section that follows
 * @throws SafetensorsError on anything but a complete description of exactly `dataBytes` bytes: bad JSON, repeated
 *   names, unknown types, byte counts that differ from shape x type, overlaps, gaps, offsets past the end
 */
export function parseHeader(file: string, bytes: Uint8Array, dataBytes: number): Header {
  const root = parseJsonObject(file, bytes);
  const entries = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(root)) {
    if (name === '__metadata__') metadata = parseMetadata(file, value);
    else entries.set(name, parseEntry(file, name, value, dataBytes));
  }
  checkCoverage(file, entries, dataBytes);
  return { entries, metadata };
}

function parseJsonObject(file: string, bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  let root: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    root = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SafetensorsError(file, `the header is not valid JSON (${reason}); the file is damaged`, {
      cause,
    });
  }
  if (!isRecord(root)) {
    throw new SafetensorsError(file, `expected the header to be a JSON object, found ${describe(root)}`);
  }
  const repeated = findRepeatedKey(text);
  if (repeated !== undefined) {
    throw new SafetensorsError(file, `the header names "${repeated}" twice; names must be unique`);
  }
  return root;
}

function parseMetadata(file: string, value: unknown): Record<string, string> {
  if (!isRecord(value)) {
    throw new SafetensorsError(
      file,
      `expected __metadata__ to map strings to strings, found ${describe(value)}`,
    );
  }
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry !== 'string') {
      throw new SafetensorsError(
        file,
        `expected __metadata__.${key} to be a string, found ${describe(entry)}`,
      );
    }
  }
  return value as Record<string, string>;
}

function parseEntry(file: string, tensor: string, value: unknown, dataBytes: number): TensorEntry {
  const fail = (problem: string): never => {
    throw new SafetensorsError(file, problem, { tensor });
  };
  if (!isRecord(value)) return fail(`expected {dtype, shape, data_offsets}, found ${describe(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isSafetensorsDtype(dtype)) {
    return fail(`expected dtype to be one of ${SAFETENSORS_DTYPES.join(', ')}, found ${describe(dtype)}`);
  }
  if (!isSizeList(shape)) {
    return fail(`expected shape to be a list of non-negative integers, found ${describe(shape)}`);
  }
  if (!isSizeList(offsets) || offsets.length !== 2) {
    return fail(`expected data_offsets to be [begin, end], found ${describe(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataBytes) {
    return fail(
      `data_offsets [${begin}, ${end}] do not fit into the ${dataBytes} bytes of data; ` +
        'the file is truncated or damaged, fetch it again',
    );
  }
  const wanted = shape.reduce((product, size) => product * size, 1) * bytesPerElement(dtype);
  if (wanted !== end - begin) {
    return fail(
      `shape [${shape.join(', ')}] of ${dtype} needs ${wanted} bytes, data_offsets hold ${end - begin}`,
    );
  }
  return { dtype, shape: Object.freeze(shape), begin, end };
}

/** Tensors must tile the data section: no overlap, no gap, nothing left over. */
function checkCoverage(file: string, entries: ReadonlyMap<string, TensorEntry>, dataBytes: number): void {
  const ordered = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  let previous = '';
  for (const [tensor, { begin, end }] of ordered) {
    if (begin < position) {
      throw new SafetensorsError(file, `bytes ${begin}..${position} are also claimed by "${previous}"`, {
        tensor,
      });
    }
    if (begin > position) {
      throw new SafetensorsError(file, `bytes ${position}..${begin} before it belong to no tensor`, {
        tensor,
      });
    }
    position = end;
    previous = tensor;
  }
  if (position !== dataBytes) {
    throw new SafetensorsError(
      file,
      `the header describes ${position} bytes of data, the file holds ${dataBytes}; it is damaged`,
    );
  }
}

/** First key that one object of `json` (already known to be valid) holds twice; JSON.parse keeps the last silently. */
function findRepeatedKey(json: string): string | undefined {
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g;
  const open: Set<string>[] = [];
  for (let match = token.exec(json); match !== null; match = token.exec(json)) {
    if (match[0] === '{') open.push(new Set());
    else if (match[0] === '}') open.pop();
    else if (match[1] !== undefined) {
      const key = JSON.parse(match[0].slice(0, -match[1].length)) as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizeList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
