import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AddedTokenEntry, qwen2TokenizerJson, type TokenizerJson } from './qwen2-layout.js';
import { TokenizerError } from './tokenizer-error.js';

/**
 * Reads the tokenizer of a checkpoint folder: `tokenizer.json`, or else `vocab.json` + `merges.txt` +
 * `tokenizer_config.json` (for the added tokens), put together in the layout of Qwen2.
 *
 * @throws TokenizerError naming the file that is missing or malformed
 */
export function readTokenizerFiles(folder: string): { file: string; json: TokenizerJson } {
  const file = join(folder, 'tokenizer.json');
  if (existsSync(file)) return { file, json: checkTokenizerJson(file, readJson(file)) };
  const parts = ['vocab.json', 'merges.txt', 'tokenizer_config.json'].map((name) => join(folder, name));
  const missing = parts.filter((path) => !existsSync(path));
  if (missing.length > 0) {
    throw new TokenizerError(
      `${folder}: expected tokenizer.json, or vocab.json with merges.txt and tokenizer_config.json; missing: ` +
        ['tokenizer.json', ...missing.map((path) => path.slice(folder.length + 1))].join(', '),
    );
  }
  const [vocabFile, mergesFile, configFile] = parts as [string, string, string];
  const vocab = checkVocab(vocabFile, readJson(vocabFile));
  const merges = parseMerges(mergesFile, readFileSync(mergesFile, 'utf8'));
  return {
    file: vocabFile,
    json: qwen2TokenizerJson(vocab, merges, parseAddedTokens(configFile, readJson(configFile))),
  };
}

/** Merge rules of a `merges.txt`: one pair a line, most frequent first; a first line `#version: ...` and blank lines do not count. */
export function parseMerges(file: string, text: string): [string, string][] {
  const merges: [string, string][] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || (index === 0 && line.startsWith('#version:'))) continue;
    const pair = line.split(' ');
    if (pair.length !== 2 || pair.includes('')) {
      throw new TokenizerError(
        `${file}:${index + 1}: expected two tokens separated by one space, found "${line}"`,
      );
    }
    merges.push(pair as [string, string]);
  }
  return merges;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TokenizerError(`${file}: not valid JSON (${reason})`, { cause });
  }
}

function checkTokenizerJson(file: string, json: unknown): TokenizerJson {
  const candidate = json as Partial<TokenizerJson> | null;
  if (
    candidate?.model?.type !== 'BPE' ||
    !JSON.stringify(candidate.decoder ?? null).includes('"ByteLevel"')
  ) {
    throw new TokenizerError(`${file}: expected a byte-level BPE (model.type "BPE", decoder "ByteLevel")`);
  }
  if (!Array.isArray(candidate.model.merges))
    throw new TokenizerError(`${file}: expected model.merges to be a list`);
  checkVocab(file, candidate.model.vocab);
  const addedTokens = candidate.added_tokens ?? [];
  for (const { content, id } of addedTokens) {
    if (typeof content !== 'string' || !isId(id)) {
      throw new TokenizerError(`${file}: expected every entry of added_tokens to have an id and a content`);
    }
  }
  // The library insists on these keys being there; the format lets a file leave them out.
  return {
    ...(candidate as TokenizerJson),
    added_tokens: addedTokens,
    normalizer: candidate.normalizer ?? null,
    pre_tokenizer: candidate.pre_tokenizer ?? null,
    post_processor: candidate.post_processor ?? null,
  };
}

function checkVocab(file: string, vocab: unknown): Record<string, number> {
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) {
    throw new TokenizerError(`${file}: expected the vocabulary to map tokens to ids`);
  }
  const tokens = new Map<number, string>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!isId(id))
      throw new TokenizerError(`${file}: expected an id for token "${token}", found ${String(id)}`);
    const other = tokens.get(id);
    if (other !== undefined)
      throw new TokenizerError(`${file}: tokens "${other}" and "${token}" share the id ${id}`);
    tokens.set(id, token);
  }
  return vocab as Record<string, number>;
}

function parseAddedTokens(file: string, config: unknown): AddedTokenEntry[] {
  const decoder = (config as { added_tokens_decoder?: Record<string, Partial<AddedTokenEntry>> } | null)
    ?.added_tokens_decoder;
  if (typeof decoder !== 'object' || decoder === null) {
    throw new TokenizerError(`${file}: expected "added_tokens_decoder" to list the control tokens by id`);
  }
  return Object.entries(decoder).map(([key, entry]) => {
    const id = Number(key);
    const {
      content,
      single_word = false,
      lstrip = false,
      rstrip = false,
      normalized = false,
      special = false,
    } = entry;
    if (!isId(id) || typeof content !== 'string') {
      throw new TokenizerError(`${file}: added_tokens_decoder."${key}": expected an id with a content`);
    }
    return { id, content, single_word, lstrip, rstrip, normalized, special };
  });
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
