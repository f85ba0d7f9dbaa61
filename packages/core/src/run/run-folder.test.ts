import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileAtomic } from './atomic-write.js';
import { EventLog, readEvents } from './event-log.js';
import { RunError, writeFailure } from './run-error.js';
import { CheckpointFolder, RunFolder } from './run-folder.js';
import type { TrainEvent } from './train-event.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'run-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const checkpoint = (step: number): TrainEvent => ({ type: 'checkpoint', stage: 'sft', step, path: 'p' });

describe('CheckpointFolder', () => {
  const fill = (folder: string): void => writeFileSync(join(folder, 'state.json'), '{}');

  it('keeps the newest and sees only complete ones', () => {
    const folder = new CheckpointFolder(join(root, 'checkpoints'));
    expect(folder.latest()).toBeUndefined();
    for (const step of [20, 40, 60]) folder.save(step, { keep: 2 }, fill);
    mkdirSync(join(folder.root, 'step-0000080'));
    mkdirSync(join(folder.root, 'step-0000100.partial'));
    expect(folder.list().map(({ step }) => step)).toEqual([40, 60]);
    expect(folder.latest()).toEqual({ step: 60, path: join(folder.root, 'step-0000060') });
    folder.prune(1);
    expect(readdirSync(folder.root).sort()).toEqual(['step-0000060', 'step-0000080']);
  });

  it('keeps the best one too, by the score in its state', () => {
    const folder = new CheckpointFolder(join(root, 'checkpoints'));
    const scores = [-3, -1, -2, null, -4];
    scores.forEach((score, index) => {
      folder.save(index, { keep: 1, keepBest: true }, (target) =>
        writeFileSync(join(target, 'state.json'), JSON.stringify({ score })),
      );
    });
    expect(folder.best()?.step).toBe(1);
    expect(folder.list().map(({ step }) => step)).toEqual([1, 4]);
  });

  it('leaves earlier checkpoints intact when the disk is full', () => {
    const folder = new CheckpointFolder(join(root, 'checkpoints'));
    folder.save(20, { keep: 1 }, fill);
    const full = (target: string): void => {
      fill(target);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    expect(() => folder.save(40, { keep: 1 }, full)).toThrow(
      /no space is left.*checkpoint of step 20 is intact/,
    );
    expect(readdirSync(folder.root)).toEqual(['step-0000020']);
  });
});

describe('writeFileAtomic', () => {
  it('replaces the content and leaves no temporary file', () => {
    const path = join(root, 'a', 'b.txt');
    writeFileAtomic(path, 'one');
    writeFileAtomic(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(readdirSync(join(root, 'a'))).toEqual(['b.txt']);
  });

  it('names a folder that cannot be made', () => {
    writeFileSync(join(root, 'file'), '');
    expect(() => new RunFolder(join(root, 'file')).create()).toThrow(RunError);
    expect(() => new RunFolder(join(root, 'file')).create()).toThrow(/file.*choose another folder/);
    expect(writeFailure('x', '/p', Object.assign(new Error(), { code: 'EACCES' })).message).toMatch(
      /permission/,
    );
  });
});

describe('EventLog', () => {
  it('drops a last line that a crash tore, and goes on', () => {
    const path = join(root, 'events.jsonl');
    const log = new EventLog(path);
    log.append(checkpoint(1));
    log.close();
    writeFileSync(path, '{"type":"checkpoint","st', { flag: 'a' });
    expect(readEvents(path)).toHaveLength(1);
    const again = new EventLog(path);
    again.append(checkpoint(2));
    again.close();
    expect(readEvents(path)).toMatchObject([checkpoint(1), checkpoint(2)]);
  });

  it('rewinds to the mark of a checkpoint', () => {
    const path = join(root, 'events.jsonl');
    const log = new EventLog(path);
    log.append(checkpoint(1));
    const mark = log.mark();
    log.append(checkpoint(2));
    log.rewind(mark);
    log.append(checkpoint(3));
    log.close();
    expect(readEvents(path)).toMatchObject([checkpoint(1), checkpoint(3)]);
    const altered = { ...mark, sha256: '0'.repeat(64) };
    expect(() => new EventLog(path).rewind(altered)).toThrow(/is not the log that the checkpoint/);
  });

  it('points at a broken line', () => {
    const path = join(root, 'events.jsonl');
    writeFileSync(path, '{}\nnonsense\n{}\n');
    expect(() => readEvents(path)).toThrow(/events\.jsonl:2: expected one JSON object, found nonsense/);
  });
});
