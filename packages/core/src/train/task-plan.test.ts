import { describe, expect, it } from 'vitest';
import { tiny, tokenizer } from '../../test/tiny-model.js';
import { loadConfig } from '../config/index.js';
import type { TaskSample } from '../data/index.js';
import { solidImage } from '../image/index.js';
import { sizedTasks } from './sized-tasks.js';
import { planPacks } from './task-plan.js';

const image = { id: 'a', path: '' };
const other = { id: 'b', path: '' };
const samples: TaskSample[] = [
  ...Array.from({ length: 6 }, (_, i) => ({
    id: `dialogue/${i}`,
    task: 'dialogue' as const,
    items: [
      { kind: 'text' as const, text: 'hello', loss: false },
      { kind: 'text' as const, text: 'hello hello hello', loss: true },
    ],
  })),
  ...[image, other, image].map((picture, i) => ({
    id: `t2i/${i}`,
    task: 't2i' as const,
    items: [
      { kind: 'text' as const, text: 'hello', loss: false, droppable: true },
      { kind: 'vae' as const, image: picture, loss: true },
    ],
  })),
];
const pictures = new Map([
  ['a', solidImage(64, 64, [0, 0, 0])],
  ['b', solidImage(64, 64, [9, 9, 9])],
]);
const config = {
  ...tiny,
  images: { ...tiny.images, vae: { maxSize: 64, minSize: 64, stride: 16, maxPixels: 4096 } },
};
const sized = sizedTasks(samples, pictures, tokenizer, config);
const words = tokenizer.encode('hello hello hello').length;
const spoken = tokenizer.encode('hello').length + 2 + words + 2;
const cells = (64 / tiny.latent.pixels) ** 2;
const drawn = tokenizer.encode('hello').length + 2 + cells + 2;

const load = (options: Record<string, unknown>) => {
  const config = loadConfig(undefined, options);
  return { ...config, mix: config.sft.mix };
};
const plan = (options: Record<string, unknown> = {}) =>
  planPacks(
    samples,
    sized,
    load({
      data: '.',
      'sft.steps': 10,
      'sft.accumulation': 2,
      'sft.tokensPerPack': 3 * (spoken + drawn),
      'sft.mix': { dialogue: 1, t2i: 1 },
      ...options,
    }),
  );

describe('planPacks', () => {
  it('counts what the sampler draws: tokens, pictures, rounds and the share of each loss', () => {
    const { tasks, packs, samplesPerPack, packsPerEpoch, longestPack, tokensPerPack } = plan();
    const [dialogue, t2i] = tasks;
    expect(packs).toBe(20);
    // Draws alternate, so that a pack holds three of each task, or the longer task once more.
    expect(samplesPerPack).toBeGreaterThanOrEqual(6);
    expect(samplesPerPack).toBeLessThan(7.01);
    expect(longestPack).toBeGreaterThanOrEqual(tokensPerPack);
    expect(dialogue).toMatchObject({ samples: 6, pictures: 0, tokens: 6 * spoken });
    expect(t2i).toMatchObject({ samples: 3, pictures: 2, tokens: 3 * drawn });
    expect(dialogue!.tokenShare).toBeCloseTo(spoken / (spoken + drawn), 2);
    expect(dialogue!.tokenShare + t2i!.tokenShare).toBeCloseTo(1, 6);
    expect([dialogue!.textLossShare, t2i!.textLossShare]).toEqual([1, 0]);
    expect([dialogue!.pictureLossShare, t2i!.pictureLossShare]).toEqual([0, 1]);
    expect(t2i!.rounds / dialogue!.rounds).toBeCloseTo(2, 1);
    // Six dialogues, three or a little more in a pack.
    expect(packsPerEpoch).toBe(2);
  });

  it('follows the mix and the re-weighting of answers', () => {
    const both: TaskSample[] = [
      ...samples.slice(0, 2),
      {
        id: 'knowledge_qa/0',
        task: 'knowledge_qa',
        items: [{ kind: 'text', text: 'hello', loss: true }],
      },
    ];
    const text = sizedTasks(both, pictures, tokenizer, config);
    const options = { 'sft.mix': { dialogue: 3, knowledge_qa: 1 }, 'sft.tokensPerPack': 2000 };
    const shares = (reweighted: boolean) =>
      planPacks(both, text, load({ data: '.', ...options, 'sft.ceReweighting': reweighted })).tasks[0]!
        .textLossShare;
    const [long, short] = [words + 1, tokenizer.encode('hello').length + 1];
    expect(shares(false)).toBeCloseTo((3 * long) / (3 * long + short), 2);
    expect(shares(true)).toBeCloseTo((3 * Math.sqrt(long)) / (3 * Math.sqrt(long) + Math.sqrt(short)), 2);
  });
});
