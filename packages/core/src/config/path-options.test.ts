import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.js';
import { mapPaths, PATH_OPTIONS } from './path-options.js';

describe('options that are places in the file system', () => {
  it('are known by the schema', () => {
    expect([...PATH_OPTIONS].sort()).toEqual([
      'base',
      'cache.folder',
      'data',
      'grpo.prompts',
      'grpo.rewards.blipVqa',
      'grpo.rewards.clip',
      'grpo.rewards.dino',
      'grpo.rewards.lpips',
      'out',
      'sft.prior.data',
      'textGrpo.rewards.others',
      'validation.data',
    ]);
  });

  it('are changed where they are given, and nothing else is', () => {
    const given = {
      data: 'd',
      out: 'o',
      base: 'b',
      'grpo.rewards.clip': 'c',
      'textGrpo.rewards.others': ['x', 'y'],
    };
    const config = loadConfig(undefined, given);
    expect(mapPaths(config, (path) => path)).toEqual(config);
    const marked = mapPaths(config, (path, kind) => `${kind}:${path}`);
    expect(marked).toEqual({
      ...config,
      data: 'data:d',
      out: 'data:o',
      base: 'model:b',
      grpo: { ...config.grpo, rewards: { ...config.grpo.rewards, clip: 'model:c' } },
      textGrpo: {
        ...config.textGrpo,
        rewards: { ...config.textGrpo.rewards, others: ['data:x', 'data:y'] },
      },
    });
  });
});
