import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from './config-error.js';
import { loadConfig, parseConfig, parseOverride } from './load-config.js';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Messages of the problems of a configuration, one a line. */
function problemsOf(source: string, overrides = {}): string[] {
  try {
    parseConfig(source, 'c.yaml', overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split('\n');
  }
  return [];
}

describe('loadConfig', () => {
  it('fills in defaults', () => {
    const config = loadConfig(undefined, { data: 'characters/mimi/' });
    expect(config.out).toBe(join('runs', 'mimi'));
    expect(config.base).toBe('models/nano');
    expect(config.precision).toBe('float32');
    expect(config.image.size).toBe(128);
    expect(config.sft.optimizer).toEqual({
      lr: 3e-4,
      warmupSteps: 10,
      decay: 'constant',
      minLr: 0,
      betas: [0.9, 0.95],
      eps: 1e-8,
      weightDecay: 0,
      state: 'float32',
      clipNorm: 1,
    });
    expect(config.vae.optimizer.lr).toBe(1e-3);
    expect(config.sft.mix).toEqual({
      dialogue: 4,
      thinking: 1,
      knowledge_qa: 1,
      vqa: 1,
      t2i: 3,
      t2i_with_thinking: 2,
      t2i_instruction: 2,
    });
    expect(config.generate.image).toEqual({
      steps: 25,
      shift: 3,
      guidance: { text: 4, image: 1, interval: [0.4, 1], renorm: 'global', renormMin: 0 },
    });
    expect('talk' in config.samples).toBe(false);
  });

  it('takes the file over defaults and overrides over the file', () => {
    const path = join(folder, 'train.yaml');
    writeFileSync(
      path,
      'data: d\nseed: 1\nsft:\n  steps: 5\n  mix: {t2i: 2}\n  optimizer: {warmupSteps: 3}\nvae:\n',
    );
    const config = loadConfig(path, { seed: 9, 'sft.optimizer.lr': 0.5, 'samples.talk': ['hello'] });
    expect(config.seed).toBe(9);
    expect(config.sft.steps).toBe(5);
    expect(config.sft.optimizer).toMatchObject({ lr: 0.5, warmupSteps: 3, clipNorm: 1 });
    expect(config.samples.talk).toEqual(['hello']);
    expect(config.vae.batchSize).toBe(8);
    // A mix that is given is the whole mix.
    expect(Object.entries(config.sft.mix).filter(([, weight]) => weight > 0)).toEqual([['t2i', 2]]);
  });

  it('hands out independent configurations', () => {
    const first = loadConfig(undefined, { data: 'd' });
    first.sft.optimizer.betas[0] = 0;
    first.sft.mix.dialogue = 99;
    first.generate.image.guidance.interval[0] = 0.9;
    const second = loadConfig(undefined, { data: 'd' });
    expect(second.sft.optimizer.betas).toEqual([0.9, 0.95]);
    expect(second.vae.optimizer.betas).toEqual([0.9, 0.95]);
    expect(second.sft.mix.dialogue).toBe(4);
    expect(second.generate.image.guidance.interval).toEqual([0.4, 1]);
  });

  it('names a file that cannot be read', () => {
    expect(() => loadConfig(join(folder, 'none.yaml'))).toThrow(/none.yaml: cannot be read \(ENOENT/);
  });
});

describe('problems', () => {
  it('are all reported, with file, line and column', () => {
    const source = [
      'data: d',
      'seed: -1.5',
      'precision: fp8',
      'sft:',
      '  stpes: 3',
      '  steps: many',
      '  optimizer: {lr: 0, betas: [1], eps: 2}',
      '  mix: {t2i: -1}',
      'image: 5',
      'samples:',
      '  talk: [hello, ""]',
      '  draw: a fox',
      'vae:',
      '  flip: yes please',
      '  klWeight: .inf',
      '  crop: 40',
    ].join('\n');
    const problems = problemsOf(source);
    expect(problems).toHaveLength(14);
    expect(problems).toEqual(
      expect.arrayContaining([
        'c.yaml:2:7: seed: expected an integer from 0 to 4294967295, found -1.5',
        'c.yaml:3:12: precision: expected one of float32, bf16, found "fp8"',
        expect.stringMatching(
          /^c.yaml:5:3: sft.stpes: unknown option; did you mean sft.steps\? \(options here: steps, tokensPerPack, /,
        ),
        'c.yaml:6:10: sft.steps: expected an integer of at least 1, found "many"',
        'c.yaml:7:19: sft.optimizer.lr: expected a number above 0 and of at most 1, found 0',
        'c.yaml:7:29: sft.optimizer.betas.1: expected a number from 0 to 1, found nothing',
        'c.yaml:7:39: sft.optimizer.eps: expected a number above 0 and of at most 1, found 2',
        'c.yaml:8:14: sft.mix.t2i: expected a number of at least 0, found -1',
        'c.yaml:9:8: image: expected a group with size, most, found 5',
        'c.yaml:11:17: samples.talk.1: expected text that is not empty, found ""',
        'c.yaml:12:9: samples.draw: expected a list, each entry text that is not empty, found "a fox"',
        'c.yaml:14:9: vae.flip: expected true or false, found "yes please"',
        'c.yaml:15:13: vae.klWeight: expected a number of at least 0, found Infinity',
        'c.yaml:16:9: vae.crop: expected an integer of at least 16, a multiple of 16, found 40',
      ]),
    );
  });

  it.each([
    ['lr: 1', 'vae.optimizer.lr or sft.optimizer.lr or grpo.optimizer.lr'],
    ['learning_rate: 1', 'vae.optimizer.lr or sft.optimizer.lr or grpo.optimizer.lr'],
    ['sft: {learningRate: 1}', 'sft.optimizer.lr'],
    ['sft: {dropout: 0}', 'sft.conditionDropout'],
    ['sft: {optimizer: {weight_decay: 0}}', 'sft.optimizer.weightDecay'],
    ['sft: {checkpointEvery: 5}', 'checkpoints.every'],
    ['sede: 1', 'seed'],
  ])('%s: says what may have been meant', (source, meant) => {
    expect(problemsOf(`data: d\n${source}`)[0]).toContain(`unknown option; did you mean ${meant}?`);
  });

  it('makes no far-fetched suggestion', () => {
    expect(problemsOf('data: d\nquux: 1')[0]).toMatch(
      /^c.yaml:2:1: quux: unknown option \(options here: data, out/,
    );
  });

  it('say which override is at fault', () => {
    expect(problemsOf('data: d\nseed: 4', { seed: 'x', 'sft.mix': { t3i: 1 } })).toEqual([
      'override seed: seed: expected an integer from 0 to 4294967295, found "x"',
      expect.stringMatching(/^override sft.mix: sft.mix.t3i: unknown option; did you mean sft.mix.t2i\?/),
    ]);
    expect(problemsOf('data: d', { 'data.x': 1 })).toEqual([
      'override data.x: data.x: "data" holds "d", not options',
    ]);
    expect(problemsOf('data: d', { '__proto__.polluted': 1 })[0]).toContain('unknown option');
    expect('polluted' in {}).toBe(false);
  });

  it('include a missing data folder', () => {
    expect(problemsOf('seed: 1')).toEqual(['c.yaml: data: missing; expected text that is not empty']);
  });

  it('leave out a default warm-up that a short run cannot hold', () => {
    const config = parseConfig('data: d\nvae: {steps: 7}\nsft: {steps: 3}\n', 'c.yaml');
    expect([config.vae.optimizer.warmupSteps, config.sft.optimizer.warmupSteps]).toEqual([7, 3]);
  });

  it('include options that contradict each other', () => {
    const source = [
      'data: d',
      'vae: {crop: 256, steps: 10, optimizer: {warmupSteps: 20}}',
      'sft:',
      '  mix: {t2i: 0}',
      '  optimizer: {lr: 0.1, minLr: 0.2, betas: [0.9, 1]}',
      'generate: {image: {guidance: {interval: [1, 0.4]}}}',
    ].join('\n');
    expect(problemsOf(source)).toEqual([
      'c.yaml:2:13: vae.crop: expected at most image.size, which is 128, found 256',
      'c.yaml:4:8: sft.mix: expected a weight above 0 for at least one task, found none',
      'c.yaml:2:54: vae.optimizer.warmupSteps: expected at most vae.steps, which is 10, found 20',
      'c.yaml:5:31: sft.optimizer.minLr: expected at most lr, which is 0.1, found 0.2',
      'c.yaml:5:43: sft.optimizer.betas: expected numbers below 1, found [0.9, 1]',
      'c.yaml:6:41: generate.image.guidance.interval: expected [low, high], found [1, 0.4]',
    ]);
  });

  it('include text that is no YAML, with its place', () => {
    expect(problemsOf('data: a\ndata: b')).toEqual(['c.yaml:2:1: not valid YAML: Map keys must be unique']);
    expect(problemsOf('seed: [1')[0]).toMatch(/^c.yaml:1:9: not valid YAML/);
    expect(problemsOf('- 1')).toEqual(['c.yaml:1:1: expected options as "name: value" lines, found [1]']);
  });
});

describe('parseOverride', () => {
  it('reads values as YAML', () => {
    expect(parseOverride('sft.steps=100')).toEqual(['sft.steps', 100]);
    expect(parseOverride('out=runs/a=b')).toEqual(['out', 'runs/a=b']);
    expect(parseOverride('sft.mix={dialogue: 1}')).toEqual(['sft.mix', { dialogue: 1 }]);
    expect(() => parseOverride('steps')).toThrow('override steps: expected <option>=<value>');
    expect(() => parseOverride('a=[')).toThrow(/override a=\[: the value is not valid YAML/);
  });
});
