import { tf } from '@unicharacter/native';
import { disposeContexts, generateText, readRequest, textItemIds } from '../../generate/index.js';
import { feedTokens, inferLogits, type KvContext } from '../../model/index.js';
import {
  type CaseRunner,
  concatenated,
  inputsOf,
  itemIds,
  type Outputs,
  requestItems,
  take,
} from '../case.js';

/** Prefill of a request and greedy decoding (spec 5.2, 5.6). */
export const textCase: CaseRunner = async (golden, entry) => {
  const source = inputsOf(golden, entry);
  const models = golden.models;
  const { model, tokenizer } = models;
  const items = await requestItems(golden, source.inputs.items as string[]);
  const encode = (text: string) => textItemIds(tokenizer, text);
  const last = items.at(-1);
  if (last?.kind !== 'text') throw new Error(`${entry.id}: expected the last item to be a text`);
  const contexts = readRequest(models, items.slice(0, -1), { purpose: 'answer', compat: 'reference' });
  try {
    const { main } = contexts;
    const prefill = take(tf.tidy(() => inferLogits(model, feedTokens(model, main, encode(last.text)))));
    const lastLayer = golden.config.llm.layers - 1;
    const caches = { ...cached(main, 0), ...cached(main, lastLayer) };
    const maxFed = source.inputs.max_length as number;
    const checked = main.fork();
    const { ids } = await generateText(model, checked, tokenizer, { maxTokens: maxFed - 1 });
    checked.dispose();
    const fed = [tokenizer.special.bos, ...ids];
    const logits = fed.map((id) => take(tf.tidy(() => inferLogits(model, feedTokens(model, main, [id])))));
    return {
      outputs: {
        ...itemIds(items, encode),
        ...caches,
        prefill_logits: prefill,
        greedy_fed_ids: fed,
        greedy_logits: concatenated(logits),
        greedy_argmax_ids: logits.map(argmax),
      },
    };
  } finally {
    disposeContexts(contexts);
  }
};

function cached(context: KvContext, layer: number): Outputs {
  const { keys, values } = context.read(layer);
  return { [`key_cache_layer${layer}`]: take(keys), [`value_cache_layer${layer}`]: take(values) };
}

const argmax = (values: Float32Array) =>
  values.indexOf(values.reduce((best, value) => Math.max(best, value)));
