import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { robinFiles, rolescapeRoot, writeFolder } from '../../test/character-folders.js';
import { ownTemplates } from './prompt-templates.js';
import { readCharacter } from './read-character.js';
import { recoverPublishedTemplates } from './rolescape/index.js';
import { buildTasks, type Item, mixShares, TASKS, type Task, type TaskMix } from './tasks.js';

const everything: TaskMix = Object.fromEntries(TASKS.map((task) => [task, 1]));

describe('tasks', () => {
  it('gives every task its items', async () => {
    const folder = await writeFolder(robinFiles());
    const robin = await readCharacter(folder);
    const image = { id: '0', path: join(folder, '0.png') };
    const samples = buildTasks(robin, everything);
    const itemsOf = (id: string): Item[] | undefined => samples.find((sample) => sample.id === id)?.items;
    const start =
      'Character Description: A robin that collects buttons.\n\nUser Input: What is that?\n\n' +
      'Character Response: A button!\n\n';
    expect(itemsOf('dialogue/0')).toEqual([
      {
        kind: 'text',
        text:
          'Character Description: A robin that collects buttons.\n\nOpening: \n\n' +
          `User Input: What is that?\n\n${ownTemplates.reply('Robin')}`,
        loss: false,
      },
      { kind: 'text', text: 'A red button!', loss: true },
    ]);
    expect(itemsOf('thinking/0')?.[1]).toEqual({
      kind: 'text',
      text: '<think>He is proud.</think>\n<gen>A robin with a button.</gen>',
      loss: true,
    });
    expect(itemsOf('knowledge_qa/0')).toEqual([
      { kind: 'text', text: 'Hobby?', loss: false },
      { kind: 'text', text: 'Buttons.', loss: true },
    ]);
    expect(itemsOf('vqa/0')).toEqual([
      { kind: 'vit', image },
      { kind: 'text', text: 'What bird is it?', loss: false },
      { kind: 'text', text: 'A robin.', loss: true },
    ]);
    expect(itemsOf('t2i/0')).toEqual([
      { kind: 'text', text: start + ownTemplates.image, loss: false, droppable: true },
      { kind: 'vae', image, loss: true },
    ]);
    expect(itemsOf('t2i_with_thinking/0')).toEqual([
      {
        kind: 'text',
        text:
          `${start}Thinking Process: He is proud.\n\nGeneration Instruction: A robin with a button.\n\n` +
          ownTemplates.plannedImage,
        loss: false,
        droppable: true,
      },
      { kind: 'vae', image, loss: true },
    ]);
    expect(itemsOf('t2i_instruction/0')).toEqual([
      { kind: 'text', text: 'A robin.', loss: false, droppable: true },
      { kind: 'vae', image, loss: true },
    ]);
  });

  it('adds scenes to the dialogues once, and plans only where there is a plan', async () => {
    const robin = await readCharacter(await writeFolder(robinFiles()));
    const scene = { imageId: '0', user: 'New?', reply: 'Yes.' };
    const samples = buildTasks({ ...robin, scenes: [...robin.scenes, scene] }, everything);
    const count = (task: Task): number => samples.filter((sample) => sample.task === task).length;
    expect([count('dialogue'), count('t2i'), count('thinking'), count('t2i_with_thinking')]).toEqual([
      3, 2, 1, 1,
    ]);
  });

  it('leaves out what the mix leaves out and keeps the ids', async () => {
    const robin = await readCharacter(await writeFolder(robinFiles()));
    const samples = buildTasks(robin, { t2i: 2, dialogue: 0 });
    expect(samples.map((sample) => sample.id)).toEqual(['t2i/0']);
  });

  it('shares the draws among the tasks that have data', async () => {
    const robin = await readCharacter(await writeFolder(robinFiles()));
    const mix: TaskMix = { dialogue: 3, t2i: 1, knowledge_qa: 4 };
    const samples = buildTasks({ ...robin, knowledge: [] }, mix);
    expect(mixShares(samples, mix)).toEqual([
      { task: 'dialogue', weight: 3, samples: 2, share: 0.75 },
      { task: 'knowledge_qa', weight: 4, samples: 0, share: 0 },
      { task: 't2i', weight: 1, samples: 1, share: 0.25 },
    ]);
  });

  it.each([
    [{ talking: 1 }, /at \/talking: expected one of the tasks dialogue, .* found "talking"/],
    [{ t2i: -1 }, /at \/t2i: expected a weight of 0 or more, found -1/],
    [{ t2i: 0 }, /expected at least one task with a positive weight/],
  ])('refuses the mix %j', async (mix, message) => {
    const robin = await readCharacter(await writeFolder(robinFiles()));
    expect(() => buildTasks(robin, mix as TaskMix)).toThrow(message);
  });

  it('refuses a character that has nothing for the mix, or a picture that is not there', async () => {
    const robin = await readCharacter(await writeFolder(robinFiles()));
    expect(() => buildTasks({ ...robin, vqa: [] }, { vqa: 1 })).toThrow(/expected at least one sample/);
    const t2i = [{ imageId: '7', instruction: 'A robin.' }];
    expect(() => buildTasks({ ...robin, t2i }, { t2i_instruction: 1 })).toThrow(
      /at \/t2i\/0: expected the id of a picture of this character, found "7"/,
    );
  });
});

interface Row {
  text?: string;
  conversations?: [{ value: string }, { value: string }];
}

/** Prompt and target of every row of a processed file. */
async function rowsOf(name: string, part: string): Promise<{ prompt: string; target: string | undefined }[]> {
  const file = `data/personalized_data/train/${name}/processed/${part.replace('{P}', name)}.jsonl`;
  const lines = (await readFile(join(rolescapeRoot ?? '', file), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => {
    const row = JSON.parse(line) as Row;
    return {
      prompt: row.text ?? row.conversations?.[0].value ?? '',
      target: row.conversations?.[1].value,
    };
  });
}

describe('the published wording', () => {
  const row = (tail: string) =>
    JSON.stringify({ text: `Character Description: D\n\n${tail}`, image: '0.png', scene_id: 0 });

  it('is not taken from a copy that says something else', async () => {
    const folder = await writeFolder({
      ...robinFiles(),
      'processed/t2i/Robin_t2i.jsonl': row('Please draw.'),
      'processed/t2i/Robin_t2i_with_thinking.jsonl': row('Please draw as planned.'),
    });
    await expect(recoverPublishedTemplates(folder)).rejects.toThrow(
      /Robin_t2i\.jsonl:1:1 at \/text: expected the published sentence T2 \(137 characters, SHA-256 dc5b6b6a623476c8…\), found 12 characters/,
    );
  });

  it('needs the processed files', async () => {
    await expect(recoverPublishedTemplates(await writeFolder(robinFiles()))).rejects.toThrow(
      /expected processed\/t2i\/Robin_t2i\.jsonl, found nothing/,
    );
  });
});

describe.skipIf(rolescapeRoot === undefined)('the layouts of RoleScape-20', () => {
  it.each(['Bo', 'Butin', 'Mam', 'Mydieu'])('regenerate every processed row of %s', async (name) => {
    const folder = join(rolescapeRoot ?? '', 'data/personalized_data/train', name);
    const character = await readCharacter(folder);
    const samples = buildTasks(character, everything, await recoverPublishedTemplates(folder));
    const built = (task: Task) =>
      samples
        .filter((sample) => sample.task === task)
        .map(({ items }) => {
          const texts = items.flatMap((item) => (item.kind === 'text' ? [item] : []));
          const text = (loss: boolean) => texts.find((item) => item.loss === loss)?.text;
          const prompt = items[0]?.kind === 'vit' ? `<image>${text(false)}` : text(false);
          return { prompt, target: text(true) };
        });
    expect(built('dialogue')).toEqual(await rowsOf(name, 'vlm/{P}_vlm_extension'));
    expect(built('thinking')).toEqual(await rowsOf(name, 'vlm/{P}_vlm_thinking'));
    expect(built('knowledge_qa')).toEqual(await rowsOf(name, 'vlm/{P}_knowledge_qa'));
    expect(built('vqa')).toEqual(await rowsOf(name, 'vlm/{P}_vqa'));
    expect(built('t2i')).toEqual(await rowsOf(name, 't2i/{P}_t2i'));
    expect(built('t2i_with_thinking')).toEqual(await rowsOf(name, 't2i/{P}_t2i_with_thinking'));
    expect(built('t2i_instruction')).toEqual(await rowsOf(name, 't2i/{P}_pure_t2i'));
  });

  it.each(['Bo', 'Mydieu'])('are read back from the processed rows of %s alone', async (name) => {
    const folder = join(rolescapeRoot ?? '', 'data/personalized_data/train', name);
    const whole = await readCharacter(folder);
    const parts = [
      't2i/{P}_pure_t2i',
      't2i/{P}_t2i_with_thinking',
      'vlm/{P}_knowledge_qa',
      'vlm/{P}_vlm_extension',
      'vlm/{P}_vqa',
    ].map((part) => `processed/${part.replace('{P}', name)}.jsonl`);
    const pictures = whole.images.map((image) => `${image.id}.png`);
    const files = [...parts, ...pictures].map(async (file) => [file, await readFile(join(folder, file))]);
    const rebuilt = await readCharacter(
      await writeFolder(Object.fromEntries(await Promise.all(files)), 'Other'),
    );
    const plain = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'origin' ? undefined : inner)));
    for (const part of ['name', 'description', 'dialogues', 'scenes', 'vqa', 'knowledge', 't2i'] as const) {
      expect(plain(rebuilt[part])).toEqual(plain(whole[part]));
    }
  });
});
