import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { json, robinFiles, writeFolder } from '../../test/character-folders.js';
import { DataError, type DataProblem } from './errors.js';
import { readCharacter } from './read-character.js';
import { readGrpoPrompts } from './rolescape/index.js';

async function problemOf(reading: Promise<unknown>): Promise<DataProblem> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof DataError) return error.problem;
  throw new Error(`expected a DataError, found ${String(error)}`);
}

/** Reads the robin after one of its files has been replaced. */
async function problemWith(file: string, content: string | Buffer | undefined): Promise<DataProblem> {
  const folder = await writeFolder({ ...robinFiles(), [file]: content });
  const problem = await problemOf(readCharacter(folder));
  return { ...problem, file: problem.file.replace(`${folder}/`, '') };
}

const header = { description: 'A robin.', opening: '' };
const scene = (user: object, machine: object) => json({ ...header, scenes: [[user, machine]] });
const userTurn = { role: 'user', text: 'Hi' };
const machineTurn = { role: 'machine', text: 'Ho', image: '0' };

describe('a broken RoleScape folder', () => {
  it('names the line and column at which JSON stops being JSON', async () => {
    const text = '{\n "description": "A robin.",\n "opening": ""\n "scenes": []\n}';
    expect(await problemWith('annotation.json', text)).toMatchObject({
      file: 'annotation.json',
      line: 4,
      column: 2,
      expected: 'valid JSON',
      found: '"\\"scenes\\": []"',
    });
  });

  it('says that a JSON file ends too early', async () => {
    const problem = await problemWith('Robin_with_image.json', '{\n "scenes": [');
    expect(problem).toMatchObject({ file: 'Robin_with_image.json', line: 2, found: 'the end of the text' });
  });

  it('names the missing field and where', async () => {
    const problem = await problemWith(
      'Robin_with_image.json',
      scene(userTurn, { role: 'machine', image: '0' }),
    );
    expect(problem).toMatchObject({
      path: '/scenes/0/1',
      line: 10,
      expected: 'the field "text"',
      found: 'only "role", "image"',
    });
  });

  it('names a value of the wrong type', async () => {
    const problem = await problemWith('Robin_with_image.json', scene({ ...userTurn, text: 7 }, machineTurn));
    expect(problem).toMatchObject({
      path: '/scenes/0/0/text',
      line: 8,
      expected: 'string',
      found: 'the number 7',
    });
  });

  it('names both types that an id may have', async () => {
    const problem = await problemWith('annotation.json', scene(userTurn, { ...machineTurn, image: null }));
    expect(problem).toMatchObject({
      path: '/scenes/0/1/image',
      expected: 'string or integer',
      found: 'null',
    });
  });

  it('refuses turns in the wrong order', async () => {
    const problem = await problemWith(
      'annotation.json',
      scene({ ...userTurn, role: 'machine' }, machineTurn),
    );
    expect(problem).toMatchObject({
      path: '/scenes/0/0/role',
      expected: '"user"',
      found: 'the string "machine"',
    });
  });

  it('refuses a scene of one turn and a scene of three', async () => {
    const one = await problemWith('annotation.json', json({ ...header, scenes: [[userTurn]] }));
    expect(one).toMatchObject({ path: '/scenes/0', expected: 'at least 2 entries', found: 'a list of 1' });
    const three = json({ ...header, scenes: [[userTurn, machineTurn, userTurn]] });
    expect(await problemWith('annotation.json', three)).toMatchObject({ path: '/scenes/0/2' });
  });

  it('names a scene whose picture does not exist', async () => {
    const problem = await problemWith(
      'Robin_with_image.json',
      scene(userTurn, { ...machineTurn, image: '4' }),
    );
    expect(problem).toMatchObject({
      file: 'Robin_with_image.json',
      path: '/scenes/0',
      found: 'the pictures 0',
    });
    expect(problem.expected).toMatch(/^a picture 4\.png in /);
  });

  it('names an instruction whose picture does not exist', async () => {
    const rows = [{ image_id: '9', t2i_instruction: 'A robin.' }];
    const problem = await problemWith(
      'Robin_t2i_instruction.json',
      json({ ...header, t2i_instructions: rows }),
    );
    expect(problem).toMatchObject({ file: 'Robin_t2i_instruction.json', path: '/t2i_instructions/0' });
  });

  it('names a multiple-choice answer that is not among the options', async () => {
    const item = { id: 1, question: 'Q', options: { A: 'a', B: 'b' }, answer_key: 'E' };
    const problem = await problemWith('Robin_knowledge_qa_test.json', json({ ...header, mcq_items: [item] }));
    expect(problem).toMatchObject({
      path: '/mcq_items/0/answer_key',
      expected: 'one of the options "A", "B"',
      found: '"E"',
    });
  });

  it('refuses a file that is no picture, and two pictures with one id', async () => {
    const pointer = await problemWith('1.png', 'version https://git-lfs.github.com/spec/v1');
    expect(pointer).toMatchObject({
      file: '1.png',
      expected: 'a picture (PNG, JPEG, WebP, GIF)',
      found: 'a Git LFS pointer (first bytes 76 65 72 73 69 6f 6e 20)',
    });
    expect(await problemWith('0.jpg', robinFiles()['0.png'])).toMatchObject({
      expected: 'one picture with the id "0"',
    });
  });

  it('refuses files of two characters in one folder', async () => {
    const problem = await problemWith('Wren_knowledge_qa.json', json({ ...header, qa_items: [] }));
    expect(problem.found).toBe('the names "Robin", "Wren"');
  });

  it('refuses text that is not UTF-8', async () => {
    const problem = await problemWith('annotation.json', Buffer.from([0x7b, 0xff, 0x7d]));
    expect(problem).toMatchObject({ file: 'annotation.json', expected: 'UTF-8 text' });
  });

  it('says what a folder without any data lacks', async () => {
    const pictures = await problemOf(readCharacter(await writeFolder({ '0.png': robinFiles()['0.png'] })));
    expect(pictures.found).toBe('1 pictures and neither of these');
    expect(await problemOf(readCharacter('/nowhere/at/all'))).toMatchObject({
      expected: 'a character folder',
      found: 'nothing',
    });
  });

  it('points from the root of a data set to its characters', async () => {
    const root = await writeFolder({ 'train/Robin/annotation.json': '{}' }, 'set');
    const problem = await problemOf(readCharacter(root));
    expect(problem.found).toBe('a data set with the training folders Robin');
    expect(problem.advice).toBe(`give one of them, for example ${join(root, 'train/Robin')}`);
  });

  it('names the line of a bad jsonl row and of a row without a prompt', async () => {
    const good = JSON.stringify({ text: 'A robin', character: 'Robin', scene_id: '0' });
    const folder = await writeFolder({
      'syntax.jsonl': `${good}\n\n{"text": }\n`,
      'fields.jsonl': `${good}\n{"character": "Robin", "scene_id": 1}\n`,
    });
    const syntax = await problemOf(readGrpoPrompts(join(folder, 'syntax.jsonl')));
    expect(syntax).toMatchObject({ line: 3, column: 10, found: '"}"' });
    const fields = await problemOf(readGrpoPrompts(join(folder, 'fields.jsonl')));
    expect(fields).toMatchObject({ line: 2, expected: 'the field "text" or "prompt"' });
  });

  it('puts file, line, place, both sides and the remedy into one message', async () => {
    const folder = await writeFolder({
      ...robinFiles(),
      'annotation.json': scene(userTurn, { ...machineTurn, text: [] }),
    });
    await expect(readCharacter(folder)).rejects.toThrow(
      `${folder}/annotation.json:12:13 at /scenes/0/1/text: expected string, found a list of 0. ` +
        'What to do: correct this value.',
    );
  });
});
