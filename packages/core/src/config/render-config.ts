import type { TSchema } from 'typebox';
import { stringify } from 'yaml';
import { describeExpected, keywordsOf, propertiesOf } from './describe-schema.js';
import { type TrainConfig, TrainConfigSchema } from './schema.js';

/** Longest comment line, indentation not counted. */
const COMMENT_WIDTH = 100;

/**
 * A configuration as YAML with every option explained: meaning, accepted values, default and the value of the published
 * recipe. `loadConfig` of the text gives back the same configuration.
 */
export function renderConfig(config: TrainConfig): string {
  const blocks = renderGroup(TrainConfigSchema, config as unknown as Record<string, unknown>, '');
  return `${blocks.join('\n')}\n`;
}

function renderGroup(schema: TSchema, values: Record<string, unknown>, indent: string): string[] {
  return Object.entries(propertiesOf(schema)).flatMap(([name, option], index) => {
    const value = values[name];
    const isGroup = keywordsOf(option).type === 'object';
    const gap = indent === '' && index > 0 ? [''] : [];
    const comment = wrap(isGroup ? (keywordsOf(option).description ?? '') : explain(option), indent);
    if (isGroup) {
      const inner = renderGroup(option, value as Record<string, unknown>, `${indent}  `);
      return [...gap, ...comment, `${indent}${name}:`, ...inner];
    }
    if (value === undefined) return [...gap, ...comment, `${indent}# ${name}:`];
    return [...gap, ...comment, `${indent}${name}: ${flow(value)}`];
  });
}

function explain(option: TSchema): string {
  const { description = '', default: byDefault, published, type } = keywordsOf(option);
  if (description === '') return '';
  const accepted = describeExpected(option);
  const notes = [
    type === 'string' || type === 'boolean' || type === 'array' ? '' : accepted,
    byDefault === undefined ? '' : `default ${flow(byDefault)}`,
    published === undefined || published === flow(byDefault) ? '' : `published recipe: ${published}`,
  ].filter((note) => note !== '');
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

/** A value on one line. */
function flow(value: unknown): string {
  // Inside a list a comma or a quote would end plain text, so texts are quoted there.
  if (Array.isArray(value)) return `[${value.map((entry) => JSON.stringify(entry)).join(', ')}]`;
  const plain = stringify(value, { lineWidth: 0 }).trim();
  return plain.includes('\n') ? JSON.stringify(value) : plain;
}

function wrap(sentence: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(' ').filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < COMMENT_WIDTH)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${indent}# ${line}`);
}
