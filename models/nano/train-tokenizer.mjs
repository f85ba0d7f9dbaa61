/**
 * Trains the tokenizer of the nano model on `corpus/*.txt` and writes its files here. Run by hand when the corpus changes;
 * the same corpus gives the same files. Build the project first.
 *
 *   node models/nano/train-tokenizer.mjs
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { replaceFileWith } from '../../packages/core/dist/tensor-io/index.js';
import { qwen2TokenizerConfig } from '../../packages/core/dist/tokenizer/qwen2-layout.js';
import { trainBpe } from '../../packages/core/dist/tokenizer/train-bpe.js';

/** Rows of the embedding table of the nano model. */
const SIZE = 2048;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const corpus = ['prose.txt', 'generated.txt']
  .map((name) => readFileSync(here(`corpus/${name}`), 'utf8'))
  .join('\n');
const maxLength = JSON.parse(readFileSync(here('llm_config.json'), 'utf8')).max_position_embeddings;

const json = trainBpe(corpus, SIZE);
const { vocab, merges } = json.model;
const write = (name, text) => replaceFileWith(here(name), text);
write('tokenizer.json', `${JSON.stringify(json)}\n`);
write('vocab.json', `${JSON.stringify(vocab)}\n`);
write('merges.txt', `#version: 0.2\n${merges.map((pair) => pair.join(' ')).join('\n')}\n`);
write(
  'tokenizer_config.json',
  `${JSON.stringify(qwen2TokenizerConfig(json.added_tokens, maxLength), null, 2)}\n`,
);
process.stdout.write(
  `${Object.keys(vocab).length + json.added_tokens.length} tokens from ${corpus.length} characters\n`,
);
