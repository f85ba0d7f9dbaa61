import { crc32c } from './crc32c.js';

/** One value of a TensorBoard summary: a number, or a PNG. */
export type SummaryValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly png: Uint8Array; readonly width: number; readonly height: number };

/** The first record of every TensorBoard file. */
export function versionRecord(seconds: number): Uint8Array {
  return record([double(1, seconds), bytes(3, utf8('brain.Event:2'))]);
}

/**
 * A record of a TensorBoard event file: `tensorflow.Event` with a summary, framed as TFRecord. Field numbers are those of
 * event.proto and summary.proto.
 *
 * @param seconds wall-clock time since 1970
 */
export function summaryRecord(seconds: number, step: number, values: readonly SummaryValue[]): Uint8Array {
  const summary = values.map((value) => bytes(1, concat(summaryValue(value))));
  return record([double(1, seconds), varintField(2, step), bytes(5, concat(summary))]);
}

function summaryValue(value: SummaryValue): Uint8Array[] {
  const tag = bytes(1, utf8(value.tag));
  if ('scalar' in value) return [tag, float(2, value.scalar)];
  const { width, height, png } = value;
  const image = [varintField(1, height), varintField(2, width), varintField(3, 3), bytes(4, png)];
  return [tag, bytes(4, concat(image))];
}

/** Length, masked CRC of the length, data, masked CRC of the data; little-endian. */
function record(fields: readonly Uint8Array[]): Uint8Array {
  const data = concat(fields);
  const framed = new Uint8Array(data.length + 16);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, masked(crc32c(framed.subarray(0, 8))), true);
  framed.set(data, 12);
  view.setUint32(12 + data.length, masked(crc32c(data)), true);
  return framed;
}

/** TFRecord rotates the checksum and adds a constant, because it is itself stored in what is summed. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

const key = (field: number, type: number): Uint8Array => varint(field * 8 + type);

function varint(value: number): Uint8Array {
  const groups: number[] = [];
  let rest = BigInt(value);
  do {
    const group = Number(rest & 0x7fn);
    rest >>= 7n;
    groups.push(rest > 0n ? group | 0x80 : group);
  } while (rest > 0n);
  return Uint8Array.from(groups);
}

const varintField = (field: number, value: number) => concat([key(field, VARINT), varint(value)]);

const bytes = (field: number, content: Uint8Array) =>
  concat([key(field, DELIMITED), varint(content.length), content]);

function double(field: number, value: number): Uint8Array {
  const content = new Uint8Array(8);
  new DataView(content.buffer).setFloat64(0, value, true);
  return concat([key(field, FIXED64), content]);
}

function float(field: number, value: number): Uint8Array {
  const content = new Uint8Array(4);
  new DataView(content.buffer).setFloat32(0, value, true);
  return concat([key(field, FIXED32), content]);
}

const utf8 = (text: string) => new TextEncoder().encode(text);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
