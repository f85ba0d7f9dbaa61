import { KeyedRandom, streams } from '../../random/keyed-random.js';

/** The prompts of an epoch: all of them in random order, round after round, so that each is asked equally often. */
export function chosenPrompts<T>(prompts: readonly T[], perEpoch: number, epoch: number, seed: number): T[] {
  return Array.from({ length: perEpoch }, (_, index) => {
    const place = epoch * perEpoch + index;
    const round = Math.floor(place / prompts.length);
    const order = new KeyedRandom(seed, streams.grpoPrompts, [round]).permutation(prompts.length);
    return prompts[order[place % prompts.length]!]!;
  });
}

/** What each optimizer step of an epoch learns from: for every inner epoch the items in random order, in `updates` parts. */
export function inUpdates<T>(
  items: readonly T[],
  updates: number,
  innerEpochs: number,
  epoch: number,
  seed: number,
): T[][] {
  const batches: T[][] = [];
  for (let inner = 0; inner < innerEpochs; inner++) {
    const order = new KeyedRandom(seed, streams.grpoOrder, [epoch, inner]).permutation(items.length);
    for (let update = 0; update < updates; update++) {
      const from = Math.floor((update * items.length) / updates);
      const to = Math.floor(((update + 1) * items.length) / updates);
      if (to > from) batches.push(order.slice(from, to).map((index) => items[index]!));
    }
  }
  return batches;
}
