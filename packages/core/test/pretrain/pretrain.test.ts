import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.js';
import { TASKS } from '../../src/data/tasks.js';
import { toyscapeCharacter } from '../../src/data/toy-world/index.js';
import { pretrain } from '../../src/pretrain/index.js';
import { worldData } from '../../src/pretrain/pretrain.js';
import { drawnSample } from '../../src/pretrain/toy-stream.js';
import { toyTask, worldCharacter } from '../../src/pretrain/toy-task.js';
import { openRun } from '../../src/run/index.js';
import type { TrainEvent } from '../../src/run/train-event.js';
import { exportRun } from '../../src/train/export-run.js';
import { trainOn } from '../../src/train/train-character.js';
import { tinyOptions, tinyWorld } from '../train/tiny-run.js';

const { root, base } = tinyWorld();
afterAll(() => rmSync(root, { recursive: true, force: true }));

const configTo = (out: string) => {
  const { 'samples.talk': _, 'samples.draw': __, ...options } = tinyOptions(base, join(root, out));
  return loadConfig(undefined, {
    ...options,
    data: 'toy-world',
    'sft.steps': 4,
    'vae.steps': 2,
    'sft.mix': { t2i_instruction: 5, vqa: 2, dialogue: 1, thinking: 1, knowledge_qa: 1, t2i: 1 },
    'checkpoints.every': 1,
  });
};

/** Steps of Unified-SFT by number, without what depends on the clock. */
async function lossesOf(out: string, stopAfter?: number) {
  const controller = new AbortController();
  const losses = new Map<number, unknown>();
  const onEvent = (event: TrainEvent) => {
    if (event.type !== 'step' || event.stage !== 'sft') return;
    losses.set(event.step, event.losses);
    if (losses.size === stopAfter) controller.abort();
  };
  const summary = await pretrain(configTo(out), { onEvent, signal: controller.signal });
  return { losses, summary };
}

describe('pretrain', () => {
  let straight: Awaited<ReturnType<typeof lossesOf>>;
  beforeAll(async () => {
    straight = await lossesOf('straight');
  }, 60_000);

  it('goes on after an interruption with the numbers of an uninterrupted run', async () => {
    const first = await lossesOf('stopped', 2);
    expect(first.summary.finished).toBe(false);
    const rest = await lossesOf('stopped');
    expect(rest.summary.finished).toBe(true);
    expect(new Map([...first.losses, ...rest.losses])).toEqual(straight.losses);
  }, 60_000);

  it('draws no pictures for the autoencoder once that is trained', async () => {
    await lossesOf('resumed', 2);
    const started = configTo('resumed');
    const { sft } = started;
    const config: typeof started = {
      ...started,
      sft: { ...sft, train: { ...sft.train, mode: 'full' } },
    };
    const drawn = async () => {
      throw new Error('drawn again');
    };
    const summary = await trainOn({ ...(await worldData(config)), pictures: drawn }, config);
    expect(summary.finished).toBe(true);
  }, 60_000);

  it('gives a base that other runs can start from', async () => {
    const out = mkdtempSync(join(tmpdir(), 'character-'));
    const { files } = exportRun(join(root, 'straight'), { out, merged: true, dtype: 'BF16' });
    expect(files).toEqual(expect.arrayContaining(['ae.safetensors', 'ema.safetensors', 'tokenizer.json']));
    const engine = await openRun(join(root, 'straight'));
    expect((await engine.imagine({ prompt: 'a red fox', seed: 1 })).image.width).toBe(32);
    engine.dispose();

    // Pre-training that goes on from it trains all weights, where other runs would train an adapter.
    const config = configTo('longer');
    const longer = await pretrain({ ...config, base: out, sft: { ...config.sft, steps: 1 } });
    expect(longer.finished).toBe(true);
    const [checkpoint] = readdirSync(join(root, 'longer/checkpoints'));
    expect(readdirSync(join(root, 'longer/checkpoints', checkpoint!))).toContain('model.safetensors');
    rmSync(out, { recursive: true });
  }, 60_000);
});

describe('the stream of samples', () => {
  const world = { seed: 9, size: 32, mix: { t2i_instruction: 3, vqa: 1 } };

  it('follows the mix and gives the same sample for the same number', async () => {
    const drawn = (await Promise.all(Array.from({ length: 80 }, (_, i) => drawnSample(world, i)))).filter(
      (one) => one !== undefined,
    );
    const asked = drawn.filter(({ sample }) => sample.task === 'vqa').length;
    expect(asked / drawn.length).toBeGreaterThan(0.1);
    expect(asked / drawn.length).toBeLessThan(0.4);
    expect(await drawnSample(world, 7)).toEqual(drawn[7]);
  });

  it('has something to learn in every task, and reads a prompt once for all noises of its picture', () => {
    const character = worldCharacter(9, 0)!;
    for (const task of TASKS) {
      const { items } = toyTask(task, task, character, { id: '0', path: '' });
      expect(items.some((item) => item.kind !== 'vit' && item.loss)).toBe(true);
    }
    const { items } = toyTask('t2i_instruction', 'a', character, { id: '0', path: '' });
    expect(items.map(({ kind }) => kind)).toEqual(['text', 'vae', 'vae', 'vae', 'vae']);
    expect(items[0]).toMatchObject({ text: character.train[0]!.words.instruction, droppable: true });
  });

  it('refuses the seed of ToyScape-20 by the looks it would give', () => {
    const { look } = toyscapeCharacter(0);
    expect(worldCharacter(702, 0)).toBeUndefined();
    expect(worldCharacter(9, 0)!.look).not.toEqual(look);
  });
});
