import type { Item, TaskSample } from '../data/index.js';
import type { EncodedItem, EncodedSample } from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import type { PictureCache } from './picture-encoder.js';
import type { PRIOR } from './prior.js';

/** A training sample in the model's units that still knows its task. */
export interface EncodedTask extends EncodedSample {
  readonly task: TaskSample['task'] | typeof PRIOR;
}

/** Every text of some samples, each once, in order. */
export function textsOf(samples: readonly TaskSample[]): string[] {
  const texts = samples.flatMap(({ items }) =>
    items.flatMap((item) => (item.kind === 'text' ? item.text : [])),
  );
  return [...new Set(texts)];
}

/**
 * Turns task samples into token ids and cached picture tokens; done once, before the first step.
 * @param texts ids of texts that have been encoded before
 */
export function encodeTasks(
  samples: readonly TaskSample[],
  tokenizer: Tokenizer,
  pictures: PictureCache,
  texts: Map<string, Int32Array> = new Map(),
): EncodedTask[] {
  const idsOf = (text: string): Int32Array => {
    const known = texts.get(text);
    if (known) return known;
    const ids = Int32Array.from(tokenizer.encode(text));
    texts.set(text, ids);
    return ids;
  };
  const encode = (item: Item): EncodedItem => {
    const droppable = item.droppable ?? false;
    switch (item.kind) {
      case 'text':
        return { kind: 'text', ids: idsOf(item.text), loss: item.loss, droppable };
      case 'vit':
        return { kind: 'vit', ...cached(pictures.patches, item.image.id), droppable };
      case 'vae':
        return { kind: 'vae', ...cached(pictures.latents, item.image.id), loss: item.loss, droppable };
    }
  };
  return samples.map(({ id, task, items }) => ({ id, task, items: items.map(encode) }));
}

function cached<T>(pictures: ReadonlyMap<string, T>, id: string): T {
  const tokens = pictures.get(id);
  if (tokens === undefined) throw new RangeError(`picture "${id}" has not been encoded`);
  return tokens;
}
