import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { DataError } from './errors.js';
import { ownTemplates } from './prompt-templates.js';
import { encodeTemplates, readTemplates } from './template-file.js';

const dir = mkdtempSync(join(tmpdir(), 'templates-'));
const file = join(dir, 'templates.json');
afterAll(() => rmSync(dir, { recursive: true }));

describe('a templates file', () => {
  it('keeps every sentence, with the name where it belongs', () => {
    const templates = { ...ownTemplates, image: 'Paint it.', reply: (name: string) => `Speak, $& ${name}!` };
    writeFileSync(file, encodeTemplates(templates));
    const { reply, ...texts } = readTemplates(file);
    expect(reply('Olmo')).toBe('Speak, $& Olmo!');
    expect(texts).toEqual({
      ...texts,
      ...Object.fromEntries(Object.entries(templates).filter(([, v]) => typeof v === 'string')),
    });
  });

  it('keeps the own wording of a sentence it lacks', () => {
    writeFileSync(file, '{"image": "Paint it."}');
    const templates = readTemplates(file);
    expect(templates.image).toBe('Paint it.');
    expect(templates.reply('Olmo')).toBe(ownTemplates.reply('Olmo'));
  });

  it.each(['{"imagee": "x"}', '{"image": 3}', '[]', '{'])('refuses %s', (content) => {
    writeFileSync(file, content);
    expect(() => readTemplates(file)).toThrow(DataError);
  });
});
