import { tf } from '@unicharacter/native';
import type { RequestItem } from '../generate/index.js';
import { decodeImage } from '../image/index.js';
import type { Tolerance } from './compare.js';
import type { CaseEntry, Golden } from './golden.js';

/** What this project computes for a case: values by the tensor names of the manifest. */
export type Outputs = Record<string, ArrayLike<number>>;

/** A comparison with numbers that are not tensors of the case, for example in a JSON file. */
export interface Extra {
  readonly name: string;
  readonly own: ArrayLike<number>;
  readonly stored: ArrayLike<number>;
  readonly tolerance: Tolerance;
}

export interface CaseResult {
  readonly outputs: Outputs;
  readonly extras?: readonly Extra[];
  /** Comparisons that could not be made because files of the user's are absent. */
  readonly skipped?: number;
}

/** Computes the outputs of a case; runs in the precision of the case's regime. */
export type CaseRunner = (golden: Golden, entry: CaseEntry) => Promise<CaseResult> | CaseResult;

/** Values of a tensor, which is disposed. */
export function take(tensor: tf.Tensor): Float32Array {
  const values = Float32Array.from(tensor.dataSync());
  tensor.dispose();
  return values;
}

/** Values of an [N, H, W, C] tensor in the order [N, C, H, W]; the tensor is disposed. */
export function takeChannelsFirst(tensor: tf.Tensor4D): Float32Array {
  const values = take(tf.transpose(tensor, [0, 3, 1, 2]));
  tensor.dispose();
  return values;
}

/** The case that holds the inputs: a bf16 case repeats another one and names it under `see`. */
export function inputsOf(golden: Golden, entry: CaseEntry): CaseEntry {
  return typeof entry.inputs.see === 'string' ? golden.entry(entry.inputs.see) : entry;
}

/** Values one after the other in one array. */
export function concatenated(parts: readonly ArrayLike<number>[]): Float32Array {
  return Float32Array.from(parts.flatMap((part) => Array.from(part)));
}

/** The request of a case: lines such as `text: …`, `image (generation): file`, `image (understanding): file`. */
export async function requestItems(golden: Golden, lines: readonly string[]): Promise<RequestItem[]> {
  const items: RequestItem[] = [];
  for (const line of lines) {
    const [, kind, content] = /^(text|image)(?: \(\w+\))?: ([\s\S]*)$/.exec(line) ?? [];
    if (kind === 'text') items.push({ kind, text: content as string });
    else if (kind === 'image') items.push({ kind, image: await decodeImage(golden.path(content as string)) });
    else throw new Error(`expected an item "text: …" or "image (…): …", found "${line}"`);
  }
  return items;
}

/** Ids of the text items of a request, markers included, under the names that the cases use. */
export function itemIds(items: readonly RequestItem[], encode: (text: string) => readonly number[]): Outputs {
  const entries = items.flatMap((item, i) =>
    item.kind === 'text' ? [[`item${i}_ids`, encode(item.text)]] : [],
  );
  return Object.fromEntries(entries) as Outputs;
}
