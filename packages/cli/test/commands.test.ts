import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  decodeImage,
  encodePng,
  readCharacter,
  toyscapeCharacter,
  writeToyCharacter,
} from '@unicharacter/core';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../src/run-command.js';
import { fakeCore } from './fake-core.js';
import { FakeTerminal } from './fake-terminal.js';
import { temporaryFolder } from './temporary-folder.js';

const folder = temporaryFolder();
const run = join(folder, 'runs', 'mimi');
mkdirSync(join(run, 'checkpoints'), { recursive: true });

async function call(args: string[], input = '') {
  const terminal = new FakeTerminal(false, 80, input);
  const { core, engine } = fakeCore();
  const code = await runCommand(args, { terminal, env: {}, cwd: folder, core });
  return { code, out: terminal.stdout, err: terminal.stderr, engine };
}

describe('the command line', () => {
  it('lists its commands and exit codes', async () => {
    const { code, out } = await call(['--help']);
    expect(code).toBe(0);
    for (const name of [
      'train',
      'chat',
      'imagine',
      'ask',
      'inspect',
      'doctor',
      'serve',
      'jobs',
      'keys',
      'templates',
      'world',
      'evaluate',
      'judges',
      'study',
      'annotate',
    ])
      expect(out).toContain(`  ${name} `);
    expect(out).toContain('Exit codes: 0 done, 1 failure, 2 wrong usage');
  });

  it.each([
    'train',
    'chat',
    'imagine',
    'ask',
    'inspect',
    'doctor',
    'serve',
    'jobs',
    'keys',
    'world',
    'evaluate',
    'judges',
    'study',
    'annotate',
  ])('explains %s with an example', async (name) => {
    const { code, out } = await call([name, '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`$ unicharacter ${name}`);
  });

  it.each([
    [['dance'], "unknown command 'dance'"],
    [['imagine'], "missing required argument 'prompt'"],
    [['imagine', 'x', '--size', 'huge'], 'Expected one side or WIDTHxHEIGHT'],
    [['imagine', 'x', '--seed', '-1'], 'Expected a whole number from 0 on'],
    [['chat', '--image', 'a.png'], '--image works with --once TEXT only'],
    [['chat', '--once', ' '], '--once needs some text'],
    [['chat', '--run', 'missing', '--once', 'Hi'], 'missing does not exist'],
    [['serve', '--host', '0.0.0.0'], 'without an API key'],
    [['serve', '--run', 'runs/mimi', '--runs', 'runs'], '--run and --runs exclude each other'],
    [['evaluate', '--metrics', 'taste'], 'found "taste"'],
    [['evaluate', '--run', 'missing'], 'missing does not exist'],
    [['evaluate', '--judge-url', 'http://127.0.0.1:1/v1'], 'need --judge-model'],
    [['evaluate', '--judge-model', 'm'], 'with --judge-url'],
    [['evaluate', '--run', 'runs/mimi', '--run', 'runs/mimi'], 'several runs need --out'],
    [['study', 'missing.yaml'], 'missing.yaml'],
    [['judges', '--out', 'x', '--only', 'taste'], 'Allowed choices are reader, clip'],
    [['serve', '--runs', 'empty'], 'No trained run found below'],
    [['world'], "required option '--out <dir>' not specified"],
    [['world', '--out', 'w', '--seed', '2'], '--seed works with --characters only'],
    [['world', '--out', 'w', '--only', 'Zed'], 'expected one of Alma, Bruno'],
    [['world', '--out', 'w', '--only', 'Alma', '--characters', '2'], 'excludes --characters'],
    [['train', '--stepz', '1'], "unknown option '--stepz'"],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err, out } = await call(args);
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toContain('    at ');
    expect(out).toBe('');
  });
});

describe('chat --once', () => {
  it('prints the reply of the newest run', async () => {
    const { code, out, engine } = await call(['chat', '--once', 'Hi', '--seed', '3', '--temperature', '0']);
    expect(code).toBe(0);
    expect(out).toBe('You said Hi\n');
    expect(engine.calls[0]).toMatchObject({
      method: 'reply',
      request: { user: 'Hi', seed: 3, temperature: 0 },
    });
    expect(engine.disposed).toBe(1);
  });

  it('draws the moment with --image and prints JSON with --json', async () => {
    const { out, engine } = await call([
      'chat',
      '--run',
      run,
      '--once',
      'Hi',
      '--image',
      'out/hi.png',
      '--json',
    ]);
    const path = join(folder, 'out', 'hi.png');
    expect(JSON.parse(out)).toMatchObject({
      reply: 'You said Hi',
      image: path,
      finish: 'stop',
      tokens: { prompt: 4, completion: 3 },
    });
    expect(out.trim().split('\n')).toHaveLength(1);
    expect(await decodeImage(path)).toMatchObject({ width: 4, height: 4 });
    expect(engine.calls[0]?.method).toBe('rolePlay');
  });
});

describe('a conversation', () => {
  it('remembers turns, draws the last one, forgets on demand and ends with /quit', async () => {
    const input = ['Hi', 'How are you?', '/image drawn.png', '/reset', 'Again', '/quit', 'never'].join('\n');
    const { code, out, engine } = await call(['chat'], input);
    expect(code).toBe(0);
    expect(
      engine.calls.map(({ method, request }) => [
        method,
        request.user,
        (request.history as unknown[])?.length,
      ]),
    ).toEqual([
      ['reply', 'Hi', 0],
      ['reply', 'How are you?', 2],
      ['illustrate', 'How are you?', undefined],
      ['reply', 'Again', 0],
    ]);
    expect(engine.calls[1]?.request.history).toEqual([
      { role: 'user', text: 'Hi' },
      { role: 'assistant', text: 'You said Hi' },
    ]);
    expect(engine.calls[2]?.request.reply).toBe('You said How are you?');
    expect(existsSync(join(folder, 'drawn.png'))).toBe(true);
    expect(out.split('\n')).toEqual([
      'You said Hi',
      'You said How are you?',
      join(folder, 'drawn.png'),
      'The conversation starts anew.',
      'You said Again',
      '',
    ]);
    expect(engine.disposed).toBe(1);
  });

  it('goes on after a mistake', async () => {
    const { code, out, err } = await call(['chat'], '/image\n/dance\nHi\n');
    expect(code).toBe(0);
    expect(err).toContain('There is nothing to draw yet');
    expect(err).toContain('Unknown command /dance');
    expect(out).toBe('You said Hi\n');
  });
});

describe('imagine and ask', () => {
  it('writes a PNG that names its prompt and that a model drew it', async () => {
    const { code, out, engine } = await call([
      'imagine',
      'on a bed',
      '--out',
      'bed.png',
      '--size',
      '8x6',
      '--cfg',
      '2',
    ]);
    expect(code).toBe(0);
    expect(out).toBe(`${join(folder, 'bed.png')} (8 × 6)\n`);
    expect(engine.calls[0]?.request).toMatchObject({ prompt: 'on a bed', width: 8, height: 6, cfg: 2 });
    const bytes = readFileSync(join(folder, 'bed.png')).toString('latin1');
    expect(bytes).toContain('on a bed');
    expect(bytes).toContain('generative model');
  });

  it('shows the picture to the character', async () => {
    const png = await encodePng({ width: 5, height: 3, data: new Uint8Array(45) });
    writeFileSync(join(folder, 'photo.png'), png);
    const { out, engine } = await call(['ask', 'photo.png', 'What is it?']);
    expect(out).toBe('An answer to What is it?\n');
    expect(engine.calls[0]?.request.image).toMatchObject({ width: 5, height: 3 });
  });

  it('says which file is not a picture', async () => {
    writeFileSync(join(folder, 'notes.png'), 'not a picture');
    const { code, err } = await call(['ask', 'notes.png', 'What is it?']);
    expect(code).toBe(2);
    expect(err).toContain(join(folder, 'notes.png'));
  });
});

describe('doctor', () => {
  it('reports the toolchain, the backend and the machine', async () => {
    const { code, out } = await call(['doctor', '--json']);
    const checks = JSON.parse(out) as { name: string; state: string }[];
    expect(checks.map((check) => check.name)).toEqual(
      expect.arrayContaining([
        'Node',
        'cmake',
        'Native addon',
        'Threads',
        'oneDNN',
        'CUDA',
        'Memory',
        'Disk',
      ]),
    );
    expect(checks.find((check) => check.name === 'Native addon')?.state).toBe('ok');
    expect(code).toBe(0);
  });
});

describe('world', () => {
  it('writes random characters that train as they are', async () => {
    const { code, out } = await call([
      'world',
      '--out',
      'w',
      '--characters',
      '1',
      '--seed',
      '9',
      '--size',
      '32',
    ]);
    expect(code).toBe(0);
    expect(out).toContain('Written to w: 1 character, pictures of 32 × 32 pixels.');
    const [name] = readdirSync(join(folder, 'w', 'data', 'personalized_data', 'train'));
    expect(
      (await readCharacter(join(folder, 'w', 'data', 'personalized_data', 'train', name!))).images,
    ).toHaveLength(10);
  });
});

describe('inspect of a model folder', () => {
  const model = fileURLToPath(new URL('../../../models/bagel-7b-mot', import.meta.url));

  it('counts the published model from its configuration alone and plans its memory', async () => {
    const { code, out } = await call(['inspect', model]);
    expect(code).toBe(0);
    expect(out).toMatch(/unified model +1,223 +14,607,260,128/);
    expect(out).toMatch(/autoencoder +244 +83,819,683/);
    expect(out).toMatch(/inference .* no +fits +fits +fits/);
    expect(out).not.toContain('lm_head.weight');
  });

  it('lists tensors on request, and answers in JSON', async () => {
    expect((await call(['inspect', model, '--tensors'])).out).toMatch(
      /language_model\.lm_head\.weight +\[152064,3584\] +-/,
    );
    const { out } = await call(['inspect', model, '--json', '--size', '512', '--pack-tokens', '4096']);
    expect(JSON.parse(out)).toMatchObject({
      model: { tensors: 1223, parameters: 14_607_260_128 },
      needs: { width: 512, height: 512, tokensPerPack: 4096 },
    });
  });

  it('names weights that do not fit their configuration', async () => {
    const broken = join(folder, 'broken-model');
    mkdirSync(broken);
    for (const name of ['llm_config.json', 'vit_config.json'])
      writeFileSync(join(broken, name), readFileSync(join(model, name)));
    writeFileSync(join(broken, 'ema.safetensors'), 'no tensors');
    const { code, out } = await call(['inspect', broken]);
    expect(code).toBe(2);
    expect(out).toMatch(/ERROR .*ema\.safetensors/);
  });
});

describe('study --dry-run', () => {
  it('says what every variant would take, and writes nothing', async () => {
    const data = join(folder, 'world/data/personalized_data/train/Alma');
    await writeToyCharacter(join(folder, 'world'), toyscapeCharacter(0), 32);
    const variants = [
      { name: 'one', set: { 'image.most': 1, 'sft.steps': 7 } },
      { name: 'base', promptOnly: true },
    ];
    const study = {
      out: 'studied',
      characters: [data],
      set: { base: fileURLToPath(new URL('../../../models/nano', import.meta.url)) },
      variants,
    };
    writeFileSync(join(folder, 'study.yaml'), JSON.stringify(study));
    const { code, out } = await call(['study', 'study.yaml', '--dry-run']);
    expect(code).toBe(0);
    expect(out).toMatch(/^one\s+Alma\s+1\s+vae \d+, sft 7\s/m);
    expect(out).toMatch(/^base\s+Alma\s+0\s+-\s/m);
    expect(out).toContain('2 runs, about ');
    expect(existsSync(join(folder, 'studied'))).toBe(false);
  });
});

describe('templates recover', () => {
  it('names the file that a folder lacks, and writes nothing', async () => {
    mkdirSync(join(folder, 'bare'));
    const { code, err } = await call(['templates', 'recover', '--data', 'bare']);
    expect(code).toBe(2);
    expect(err).toContain('processed/t2i/bare_t2i.jsonl');
    expect(existsSync(join(folder, 'templates.json'))).toBe(false);
  });
});
