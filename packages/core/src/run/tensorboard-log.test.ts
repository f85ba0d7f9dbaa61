import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodePng, solidImage } from '../image/index.js';
import { EventLog } from './event-log.js';
import { RunFolder } from './run-folder.js';
import { TensorBoardLog } from './tensorboard-log.js';
import type { StepEvent } from './train-event.js';

let run: RunFolder;
beforeEach(() => {
  run = new RunFolder(mkdtempSync(join(tmpdir(), 'board-')));
});
afterEach(() => rmSync(run.root, { recursive: true, force: true }));

/** CRC-32C bit by bit, unlike the table of the writer. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let i = 0; i < 8; i++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  return Number(crc ^ 0xffffffffn);
}
const masked = (crc: number) => ((((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8) % 2 ** 32;

/** The fields of a protocol buffer message, by number: numbers, or bytes. */
function fields(message: Buffer): [number, bigint | Buffer][] {
  const found: [number, bigint | Buffer][] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number) => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = Number(varint());
    const readers: Record<number, () => bigint | Buffer> = {
      0: varint,
      1: () => take(8),
      2: () => take(Number(varint())),
      5: () => take(4),
    };
    const content = readers[key % 8]!();
    found.push([key >> 3, content]);
  }
  return found;
}

const field = (message: Buffer, number: number) => fields(message).find(([n]) => n === number)?.[1];

function readBoard() {
  const folder = join(run.root, 'tensorboard');
  const names = readdirSync(folder);
  expect(names).toHaveLength(1);
  expect(names[0]).toMatch(/tfevents/);
  const file = readFileSync(join(folder, names[0]!));
  const events: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    expect(file.readUInt32LE(at + 8)).toBe(masked(slowCrc32c(file.subarray(at, at + 8))));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(file.readUInt32LE(at + 12 + length)).toBe(masked(slowCrc32c(data)));
    events.push(data);
    at += length + 16;
  }
  return events.map((event) => ({
    seconds: (field(event, 1) as Buffer).readDoubleLE(),
    step: Number(field(event, 2) ?? 0n),
    version: (field(event, 3) as Buffer | undefined)?.toString(),
    values: fields((field(event, 5) as Buffer | undefined) ?? Buffer.alloc(0)).map(([, value]) => ({
      tag: (field(value as Buffer, 1) as Buffer).toString(),
      scalar: (field(value as Buffer, 2) as Buffer | undefined)?.readFloatLE(),
      image: field(value as Buffer, 4) as Buffer | undefined,
    })),
  }));
}

const step: StepEvent = {
  type: 'step',
  stage: 'grpo',
  step: 300,
  steps: 400,
  losses: { total: 0.5 },
  rewards: { total: 0.25 },
  measures: { kl: 0.125 },
  tokens: 10,
  tokensPerSecond: 100,
  secondsPerStep: 1,
  etaSeconds: 1,
  gradNorm: 2,
  lr: 1e-3,
  liveBytes: 1,
  peakBytes: 2,
};

describe('TensorBoardLog', () => {
  it('writes records that an independent reader understands', async () => {
    const log = new EventLog(run.events);
    const board = new TensorBoardLog(run);
    const logged = log.append(step);
    board.append(logged);
    const png = await encodePng(solidImage(3, 2, [9, 9, 9]));
    writeFileSync(join(run.root, 'sheet.png'), png);
    board.append(log.append({ type: 'sample', stage: 'sft', step: 7, samples: [], sheet: 'sheet.png' }));
    log.close();

    const [version, scalars, image] = readBoard();
    expect(version).toMatchObject({ version: 'brain.Event:2', values: [] });
    expect(scalars!.step).toBe(300);
    expect(scalars!.seconds).toBeCloseTo(Date.parse(logged.time) / 1000, 3);
    const byTag = Object.fromEntries(scalars!.values.map(({ tag, scalar }) => [tag, scalar]));
    expect(byTag).toMatchObject({
      'grpo/loss/total': 0.5,
      'grpo/reward/total': 0.25,
      'grpo/measure/kl': 0.125,
      'grpo/measure/gradNorm': 2,
    });
    expect(image!.values[0]!.tag).toBe('sft/samples');
    const content = image!.values[0]!.image!;
    expect([field(content, 1), field(content, 2)]).toEqual([2n, 3n]);
    expect(field(content, 4)).toEqual(Buffer.from(png));
  });

  it('begins anew from the event log, so that nothing stands in it twice', () => {
    const log = new EventLog(run.events);
    const mark = log.mark();
    const board = new TensorBoardLog(run);
    board.append(log.append(step));
    log.rewind(mark);
    const again = new TensorBoardLog(run);
    again.append(log.append({ ...step, losses: { total: 0.75 } }));
    log.close();
    const events = readBoard();
    expect(events).toHaveLength(2);
    expect(events[1]!.values.find(({ tag }) => tag === 'grpo/loss/total')!.scalar).toBe(0.75);
  });
});
