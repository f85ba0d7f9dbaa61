import type { Item, TaskSample } from '../data/index.js';
import type { EncodedItem, EncodedSample } from '../model/index.js';
import type { Tokenizer } from '../tokenizer/index.js';
import type { PictureCache } from './picture-encoder.js';

/** A training sample in the model's units that still knows its task. */
export interface EncodedTask extends EncodedSample {
  readonly task: TaskSample['task'];
}

/** Turns task samples into token ids and cached picture tokens; done once, before the first step. */
export function encodeTasks(
  samples: readonly TaskSample[],
  tokenizer: Tokenizer,
  pictures: PictureCache,
): EncodedTask[] {
  const texts = new Map<string, Int32Array>();
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
