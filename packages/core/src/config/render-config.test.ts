import { expect, it } from 'vitest';
import { loadConfig, parseConfig } from './load-config.js';
import { renderConfig } from './render-config.js';

it('renders what loads as the same configuration', () => {
  for (const overrides of [
    { data: 'd' },
    {
      data: 'a folder: with #signs',
      seed: 123,
      'samples.talk': ['hello, "you"', 'true', 'two\nlines'],
      'sft.mix': { dialogue: 1 },
      'sft.optimizer': { eps: 1e-15, betas: [0, 0.5] },
    },
  ]) {
    const config = loadConfig(undefined, overrides);
    expect(parseConfig(renderConfig(config))).toEqual(config);
  }
});

it('explains every option: meaning, accepted values, default, published value where it differs', () => {
  const yaml = renderConfig(loadConfig(undefined, { data: 'd' }));
  expect(yaml.startsWith('# Folder of the character: pictures, dialogues, descriptions.\ndata: d\n')).toBe(
    true,
  );
  expect(yaml).toContain(
    '\n  # Optimizer steps. (an integer of at least 1; default 300; published recipe: 501)\n  steps: 300\n',
  );
  expect(yaml).toContain(
    '    # Global L2 norm to which gradients are clipped; 0 switches clipping off. (a number of at least 0;\n    # default 1)\n',
  );
  expect(yaml).toContain('\n    betas: [0.9, 0.95]\n');
  expect(yaml).toContain('\n  # talk:\n');
  for (const line of yaml.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
});
