import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { robinFiles, rolescapeRoot, writeFolder } from '../../../test/character-folders.js';
import type { Character } from '../character.js';
import { readGrpoPrompts } from './grpo-prompts.js';
import { readRoleScape } from './reader.js';

function counts(character: Character) {
  const { images, dialogues, scenes, vqa, knowledge, t2i, heldOut } = character;
  return {
    images: images.length,
    dialogues: dialogues.length,
    scenes: scenes.length,
    vqa: vqa.length,
    objective: vqa.filter((qa) => qa.kind === 'objective').length,
    knowledge: knowledge.length,
    t2i: t2i.length,
    testDialogues: heldOut.dialogues.length,
    knowledgeChoices: heldOut.knowledgeChoices.length,
    sceneChoices: heldOut.sceneChoices.length,
    personality: heldOut.personality.length,
    memorization: heldOut.memorization.length,
  };
}

describe('a RoleScape folder', () => {
  it('gives every record its value, whatever the folder is called', async () => {
    const strays = { '.DS_Store': 'x', '._Robin_with_image.json': 'x', '._0.png': 'x', 'notes.md': 'x' };
    const folder = await writeFolder({ ...robinFiles(), ...strays });
    const robin = await readRoleScape(folder);
    expect(robin.name).toBe('Robin');
    expect(robin.images).toEqual([{ id: '0', path: join(folder, '0.png') }]);
    expect(robin.scenes).toMatchObject([
      {
        imageId: '0',
        user: 'What is that?',
        reply: 'A button!',
        thinking: 'He is proud.',
        instruction: 'A robin with a button.',
      },
    ]);
    expect(robin.vqa).toMatchObject([{ imageId: '0', question: 'What bird is it?', answer: 'A robin.' }]);
    expect(robin.t2i).toMatchObject([{ imageId: '0', instruction: 'A robin.' }]);
    expect(robin.knowledge).toMatchObject([{ question: 'Hobby?', answer: 'Buttons.' }]);
  });

  it('ignores the picture ids of text-only dialogues, which refer to nothing', async () => {
    const robin = await readRoleScape(await writeFolder(robinFiles()));
    expect(robin.dialogues.map(({ origin, ...dialogue }) => dialogue)).toEqual([
      { user: 'What is that?', reply: 'A red button!' },
      { user: 'What is that?', reply: 'A button!' },
    ]);
  });

  it('strips the quotes around test questions and keeps those inside', async () => {
    const robin = await readRoleScape(await writeFolder(robinFiles()));
    expect(robin.heldOut.personality).toEqual(['Are you "shy"?', 'Why?']);
  });

  it('reads ids and option texts that are numbers as text', async () => {
    const robin = await readRoleScape(await writeFolder(robinFiles()));
    expect(robin.heldOut.sceneChoices).toMatchObject([
      { id: '1', imageId: '0', options: { A: 'Red', B: '2' }, answer: 'A' },
    ]);
  });

  it('needs no more than pictures and annotation.json', async () => {
    const { '0.png': picture, 'annotation.json': annotation } = robinFiles();
    const folder = await writeFolder({ '0.png': picture, 'annotation.json': annotation }, 'Robin');
    const robin = await readRoleScape(folder);
    expect(robin.name).toBe('Robin');
    expect(robin.scenes).toMatchObject([{ imageId: '0', reply: 'A button!' }]);
    expect(robin.scenes[0]?.thinking).toBeUndefined();
    expect(robin.dialogues).toEqual([]);
  });

  it('takes records from processed/ where their JSON is missing', async () => {
    const row = (value: object) => `${JSON.stringify(value)}\n`;
    const start = 'Character Description: A robin.\n\n';
    const pair = (question: string, answer: string) => ({
      id: 0,
      conversations: [
        { from: 'human', value: question },
        { from: 'gpt', value: answer },
      ],
    });
    const image = 'personalized_data/train/Garden-Robin/0.png';
    const folder = await writeFolder({
      '0.png': robinFiles()['0.png'],
      'processed/vlm/Robin_vlm_extension.jsonl': row(
        pair(`${start}Opening: \n\nUser Input: One\n\nTwo\n\nAnswer now.`, 'Three'),
      ),
      'processed/vlm/Robin_vqa.jsonl': row({
        ...pair('<image>What?', 'A bird.'),
        id: '0_0',
        image,
        qa_type: 'subjective',
      }),
      'processed/vlm/Robin_knowledge_qa.jsonl': row(pair('Hobby?', 'Buttons.')),
      'processed/t2i/Robin_pure_t2i.jsonl': row({ text: 'A robin.', image, scene_id: '0' }),
      'processed/t2i/Robin_t2i_with_thinking.jsonl': row({
        text: `${start}User Input: Hi\n\nCharacter Response: Ho\n\nThinking Process: T\n\nGeneration Instruction: G\n\nDraw.`,
        image,
        scene_id: 0,
      }),
    });
    const robin = await readRoleScape(folder);
    expect(robin).toMatchObject({
      name: 'Robin',
      description: 'A robin.',
      opening: '',
      dialogues: [{ user: 'One\n\nTwo', reply: 'Three' }],
      scenes: [{ imageId: '0', user: 'Hi', reply: 'Ho', thinking: 'T', instruction: 'G' }],
      vqa: [{ imageId: '0', question: 'What?', answer: 'A bird.', kind: 'subjective' }],
      knowledge: [{ question: 'Hobby?', answer: 'Buttons.' }],
      t2i: [{ imageId: '0', instruction: 'A robin.' }],
    });
  });
});

describe.skipIf(rolescapeRoot === undefined)('RoleScape-20', () => {
  const train = (name: string) => join(rolescapeRoot ?? '', 'data/personalized_data/train', name);

  it.each([
    ['Bo', 12, 192, 239, 60, 16, 20],
    ['Butin', 7, 187, 140, 35, 15, 20],
    ['Mam', 12, 192, 238, 60, 20, 20],
    ['Mydieu', 7, 187, 139, 35, 15, 19],
  ])(
    'has the counts of the specification for %s',
    async (name, images, dialogues, vqa, choices, personality, memory) => {
      const character = await readRoleScape(train(name));
      expect(counts(character)).toMatchObject({
        images,
        scenes: images,
        t2i: images,
        dialogues,
        vqa,
        knowledge: 100,
        testDialogues: 20,
        knowledgeChoices: 10,
        sceneChoices: choices,
        personality,
        memorization: memory,
      });
      expect(character.scenes.every((scene) => scene.thinking && scene.instruction)).toBe(true);
      expect(character.heldOut.personality.filter((question) => /^".*"$/.test(question))).toEqual([]);
      expect(character.profile).toBeTruthy();
      expect(character.personalityProfile).toBeTruthy();
    },
  );

  it.each(['Bo', 'Butin', 'Mam', 'Mydieu'])(
    'has three test scenes and no test questions for %s',
    async (name) => {
      const folder = train(name).replace('/train/', '/test/');
      expect(counts(await readRoleScape(folder))).toMatchObject({
        images: 3,
        scenes: 3,
        t2i: 3,
        dialogues: 0,
        vqa: 0,
      });
    },
  );

  it.each([
    ['Bo', 41],
    ['Butin', 40],
    ['Mam', 40],
    ['Mydieu', 40],
  ])('has the reward prompts of %s', async (name, prompts) => {
    const folder = join(rolescapeRoot ?? '', 'flow_grpo/dataset/personalized_t2i', name);
    const plain = await readGrpoPrompts(join(folder, `${name}_pure_t2i.jsonl`));
    const asked = await readGrpoPrompts(join(folder, `${name}_pure_t2i_with_vqa.jsonl`));
    expect([plain.length, asked.length]).toEqual([prompts, prompts]);
    expect(plain.every((row) => row.questions.length === 0 && row.character === name)).toBe(true);
    expect(Math.min(...asked.map((row) => row.questions.length))).toBeGreaterThanOrEqual(5);
  });
});
