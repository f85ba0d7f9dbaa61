import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, writeSafetensors } from '@unicharacter/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../temporary-folder.js';
import { contents, makeTinyBase, OLMO, type Outcome, start, trainArgs, unicharacter } from './support.js';

const folder = temporaryFolder();
const base = makeTinyBase(folder);
const run = join(folder, 'runs', 'olmo');

beforeAll(async () => {
  const settings = ['--set', 'sft.steps=2', '--set', 'vae.steps=2', '--set', 'checkpoints.every=1'];
  expect(await unicharacter(trainArgs(run, base, ...settings), folder)).toMatchObject({
    code: 0,
    stderr: '',
  });
});

/** 16 × 16 pixels. */
const JPEG = Buffer.from(
  [
    '/9j/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/',
    '2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAAR',
    'CAAQABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAT/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAA',
    'AAAAAAAAAAAAAgX/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCsAVR//9k=',
  ].join(''),
  'base64',
);

/** One clear message: the given words, no stack, nothing on the standard output. */
function expectError({ code, stderr, stdout }: Outcome, exitCode: number, ...words: string[]): void {
  for (const word of words) expect(stderr).toContain(word);
  expect(stderr).toMatch(/^error: /);
  expect(stderr).not.toContain('    at ');
  expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
}

/** A copy of the bundled character that the test may damage. */
function brokenCharacter(name: string, damage: (data: string) => void): string {
  const data = join(folder, name);
  cpSync(OLMO, data, { recursive: true });
  damage(data);
  return data;
}

/** A copy of the trained run that the test may damage; the path of its newest weights comes with it. */
function brokenRun(name: string): { copy: string; weights: string } {
  const copy = join(folder, name);
  cpSync(run, copy, { recursive: true });
  const newest = readdirSync(join(copy, 'checkpoints')).sort().at(-1) ?? '';
  return { copy, weights: join(copy, 'checkpoints', newest, 'model.safetensors') };
}

/** Writes the weights again after `change` has had its way with the list of tensors. */
function rewrite(path: string, change: (names: string[]) => string[]): void {
  const file = openSafetensors(path);
  const known = file.names();
  const tensors = change(known).map((name) => ({
    name,
    dtype: 'F32' as const,
    shape: known.includes(name) ? file.info(name).shape : [2],
    data: known.includes(name) ? file.readFloat32(name) : new Float32Array(2),
  }));
  file.close();
  writeSafetensors(path, tensors);
}

const train = (data: string, out: string, ...more: string[]): Promise<Outcome> =>
  unicharacter(['train', '--data', data, '--out', out, '--set', `base=${base}`, ...more], folder);

describe('bad data', () => {
  it('a folder that does not exist', async () => {
    const missing = join(folder, 'nowhere');
    expectError(await train(missing, join(folder, 'x')), 2, missing);
  });

  it('a picture that is none', async () => {
    const data = brokenCharacter('garbage', (path) =>
      writeFileSync(join(path, '3.png'), 'no picture at all'),
    );
    expectError(await train(data, join(folder, 'x')), 2, join(data, '3.png'));
    const inspected = await unicharacter(['inspect', data], folder);
    expect(inspected.code).toBe(2);
    expect(inspected.stdout).toMatch(/^ERROR .*3\.png/m);
  });

  it('a JPEG that is named .png is fine', async () => {
    const data = brokenCharacter('mislabelled', (path) => writeFileSync(join(path, '0.png'), JPEG));
    const { code, stdout } = await unicharacter(['inspect', data], folder);
    expect(code).toBe(0);
    expect(stdout).toContain('0 errors');
  });

  it('malformed JSON', async () => {
    const data = brokenCharacter('malformed', (path) => {
      const file = join(path, 'Olmo_knowledge_qa.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace('"question":', '"question"'));
    });
    const outcome = await train(data, join(folder, 'x'));
    expectError(outcome, 2, join(data, 'Olmo_knowledge_qa.json'));
    expect(outcome.stderr).toMatch(/Olmo_knowledge_qa\.json:\d+:\d+/);
  });
});

describe('bad configuration', () => {
  it('an unknown key, with line and column and what may have been meant', async () => {
    const config = join(folder, 'config.yaml');
    writeFileSync(config, `data: ${OLMO}\nsft:\n  stepz: 3\n`);
    const outcome = await unicharacter(['train', '--config', config], folder);
    expectError(outcome, 2, `${config}:3:3`, 'stepz', 'did you mean sft.steps');
  });

  it('a value of the wrong kind on the command line', async () => {
    expectError(await train(OLMO, join(folder, 'x'), '--set', 'seed=many'), 2, 'override seed', '"many"');
    expectError(await train(OLMO, join(folder, 'x'), '--set', 'seed'), 2, 'expected <option>=<value>');
  });

  it('nothing to train on', async () => {
    expectError(await unicharacter(['train'], folder), 2, '--data');
  });

  it('a run folder that belongs to another configuration', async () => {
    const before = contents(run);
    expectError(await unicharacter(trainArgs(run, base, '--set', 'seed=5'), folder), 2, run, 'seed: 42 -> 5');
    expect(contents(run)).toEqual(before);
  });
});

describe('a damaged run', () => {
  const once = (copy: string): Promise<Outcome> =>
    unicharacter(['chat', '--run', copy, '--once', 'Hi'], folder);

  it('with a missing tensor', async () => {
    const { copy, weights } = brokenRun('missing');
    let gone: string | undefined;
    rewrite(weights, (names) => {
      gone = names[5];
      return names.filter((name) => name !== gone);
    });
    expectError(await once(copy), 2, weights, gone ?? '?');
  });

  it('with a tensor too many', async () => {
    const { copy, weights } = brokenRun('extra');
    rewrite(weights, (names) => [...names, 'surplus.weight']);
    expectError(await once(copy), 2, weights, 'surplus.weight');
  });

  it('with a file that ends too early', async () => {
    const { copy, weights } = brokenRun('short');
    truncateSync(weights, 5000);
    expectError(await once(copy), 2, weights);
  });

  it('that has no checkpoint', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    expectError(await once(empty), 2, empty);
  });
});

/** Namespaces in which a test may mount a small disk of its own. */
const OWN_MOUNTS = ['unshare', '--map-root-user', '--mount'];
const canMount =
  spawnSync('unshare', [...OWN_MOUNTS.slice(1), 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

/**
 * Runs the command beside a copy of the run, after its first step, on a disk with `room` bytes left. The output ends with
 * "unchanged" when the copy's checkpoints were left alone.
 */
function onFullDisk(disk: string, room: string, args: string[]): Promise<Outcome> {
  const script = `
    mount -t tmpfs -o size=64m tmpfs "$0" && cp -r "${run}" "$0/run" && rm -r "$0/run/checkpoints/step-0000002"
    head -c 99m /dev/zero > "$0/rest" 2> "$0/errors"
    truncate -s "-${room}" "$0/rest"
    state() { (cd "$0/run/checkpoints" && find . -type f | sort | xargs sha256sum); }
    before=$(state); "$@"; code=$?
    [ "$before" = "$(state)" ] && echo unchanged
    exit $code`;
  return start(args, folder, [...OWN_MOUNTS, 'sh', '-c', script, disk]).outcome;
}

describe('a disk that cannot be written', () => {
  it('a path through a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'content');
    const { code, stderr } = await train(OLMO, join(file, 'run'));
    expect(code).not.toBe(0);
    expect(stderr).toContain(join(file, 'run'));
    expect(readFileSync(file, 'utf8')).toBe('content');
  });

  it.runIf(canMount)('a full one: nothing is drawn, training says so, and earlier results stay', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    const out = join(disk, 'run');
    const picture = join(disk, 'picture.png');
    const drawn = await onFullDisk(disk, '0', ['imagine', 'x', '--run', out, '--out', picture]);
    expect(drawn).toMatchObject({ code: 1, stdout: 'unchanged\n' });
    expect(drawn.stderr).toContain(`cannot write a file to ${picture}: no space is left`);
    const settings = ['--set', 'sft.steps=2', '--set', 'vae.steps=2'];
    const trained = await onFullDisk(disk, '1M', trainArgs(out, base, ...settings));
    expect(trained.stdout).toContain('Continuing after step 1 of sft');
    expect(trained.stdout).toMatch(/\nunchanged\n$/);
    expect(trained.stderr).toMatch(/^error: .*no space is left on the device/);
    expect(trained.stderr).not.toContain('    at ');
    expect(trained.code).toBe(1);
  });
});
