import { groupDiversity } from '../../../reward/diversity/group-diversity.js';
import { LpipsModel } from '../../../reward/towers/lpips/lpips-model.js';
import { takeChannelsFirst } from '../../case.js';
import type { RewardGolden } from './golden.js';
import { decodeAll } from './pictures.js';
import type { RewardRunner } from './registry.js';

async function withLpips<T>(golden: RewardGolden, f: (lpips: LpipsModel) => Promise<T>): Promise<T> {
  const lpips = await loadLpips(golden);
  try {
    return await f(lpips);
  } finally {
    lpips.dispose();
  }
}

/** The folder holds the numbers too, so the files are named. */
export const loadLpips = (golden: RewardGolden): Promise<LpipsModel> =>
  LpipsModel.load([golden.path('lpips/alexnet.safetensors'), golden.path('lpips/lpips_lin.safetensors')]);

export const lpipsPairsCase: RewardRunner = (golden, entry) =>
  withLpips(golden, async (lpips) => {
    const images = await decodeAll(golden, entry.inputs.images as string[]);
    const pairs = entry.inputs.pairs as [number, number][];
    const n = images.length;
    const { total, perTap } = lpips.distances(images);
    const pixels = lpips.pixels(images.slice(0, 1));
    const taps = lpips.taps(pixels);
    const named = taps.map((tap, i) => [`relu${i + 1}_image0`, takeChannelsFirst(tap)] as const);
    return {
      distance: pairs.map(([i, j]) => total[i * n + j]!),
      per_layer: pairs.flatMap(([i, j]) => [...perTap.slice((i * n + j) * 5, (i * n + j) * 5 + 5)]),
      input_image0: takeChannelsFirst(pixels),
      ...Object.fromEntries(named),
    };
  });

export const lpipsGroupCase: RewardRunner = (golden, entry) =>
  withLpips(golden, async (lpips) => {
    const images = await decodeAll(golden, entry.inputs.images as string[]);
    const { total } = lpips.distances(images);
    return {
      group_mean: groupDiversity(total, images.length, 'group_mean')[0],
      per_image_mean_to_others: groupDiversity(total, images.length, 'per_image_mean_to_others'),
    };
  });
