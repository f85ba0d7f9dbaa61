import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.js';

const folder = fileURLToPath(new URL('../../../../examples/presets', import.meta.url));
const presets = readdirSync(folder).sort();

describe('presets', () => {
  it('are there for the sizes that people have', () => {
    expect(presets).toEqual(['141gb.yaml', '24gb.yaml', '48gb.yaml', '80gb.yaml', 'nano.yaml']);
  });

  it('go on from the run of npm start where both stages are trained', () => {
    const alma = (name: string) => loadConfig(join(folder, '../alma', name));
    const { grpo, stage, ...both } = alma('grpo.yaml');
    const { grpo: _, stage: __, ...start } = alma('config.yaml');
    expect(both).toEqual(start);
    expect(stage).toBe('all');
    expect(grpo.window.to).toBeLessThan(grpo.sampling.steps);
  });

  it.each(presets)('%s is a valid configuration', (name) => {
    const config = loadConfig(join(folder, name), { data: 'somewhere' });
    expect(config.precision).toBe('bf16');
    expect(config.sft.train.mode).toBe(name === 'nano.yaml' ? 'auto' : 'lora');
  });
});
