import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { exampleRoot, writeFolder } from '../../test/character-folders.js';
import { decodeImage } from '../image/index.js';
import { inspectFolder } from './inspect/index.js';
import { readCharacter, readTestSplit } from './read-character.js';

const trainFolder = join(exampleRoot, 'train/Olmo');

describe('the bundled character', () => {
  it('is complete', async () => {
    const olmo = await readCharacter(trainFolder);
    expect(olmo.name).toBe('Olmo');
    expect({
      images: olmo.images.length,
      scenes: olmo.scenes.filter((scene) => scene.thinking && scene.instruction).length,
      t2i: olmo.t2i.length,
      dialogues: olmo.dialogues.length,
      vqa: olmo.vqa.length,
      knowledge: olmo.knowledge.length,
      testDialogues: olmo.heldOut.dialogues.length,
      knowledgeChoices: olmo.heldOut.knowledgeChoices.length,
      sceneChoices: olmo.heldOut.sceneChoices.length,
    }).toEqual({
      images: 12,
      scenes: 12,
      t2i: 12,
      dialogues: 120,
      vqa: 108,
      knowledge: 37,
      testDialogues: 10,
      knowledgeChoices: 10,
      sceneChoices: 48,
    });
    expect(new Set(olmo.vqa.map((qa) => qa.imageId)).size).toBe(12);
  });

  it('speaks with one voice, in 8 to 30 words', async () => {
    const olmo = await readCharacter(trainFolder);
    for (const { reply } of [...olmo.dialogues, ...olmo.heldOut.dialogues]) {
      expect(reply).toMatch(/^Plip plop[!,]/);
      expect(reply).toContain('pond friend');
      const words = reply.split(/\s+/).length;
      expect(words).toBeGreaterThanOrEqual(8);
      expect(words).toBeLessThanOrEqual(30);
    }
  });

  it('has nothing for the inspection to find', async () => {
    const report = await inspectFolder(trainFolder);
    expect(report.findings).toEqual([]);
    expect(report.tasks.map(({ task, samples }) => [task, samples])).toEqual([
      ['dialogue', 120],
      ['thinking', 12],
      ['knowledge_qa', 37],
      ['vqa', 108],
      ['t2i', 12],
      ['t2i_with_thinking', 12],
      ['t2i_instruction', 12],
    ]);
  });

  it('has a test split of three new scenes', async () => {
    const train = await readCharacter(trainFolder);
    const test = await readTestSplit(trainFolder);
    expect(test?.scenes.map((scene) => scene.imageId)).toEqual(['0', '1', '2']);
    const trained = new Set(train.scenes.flatMap(({ user, instruction }) => [user, instruction]));
    expect(
      test?.scenes.filter(({ user, instruction }) => trained.has(user) || trained.has(instruction)),
    ).toEqual([]);
    expect(await readTestSplit(join(exampleRoot, 'test/Olmo'))).toBeUndefined();
  });

  it('has pictures of 256 x 256 pixels', async () => {
    for (const { path } of (await readCharacter(trainFolder)).images) {
      expect(await decodeImage(path)).toMatchObject({ width: 256, height: 256 });
    }
  });

  it('is what its script draws', async () => {
    const folder = await writeFolder({}, 'drawn');
    await promisify(execFile)(process.execPath, [join(exampleRoot, 'draw.mjs'), folder]);
    for (const picture of ['train/Olmo/0.png', 'train/Olmo/11.png', 'test/Olmo/2.png']) {
      const drawn = await decodeImage(join(folder, picture));
      const kept = await decodeImage(join(exampleRoot, picture));
      const difference = drawn.data.reduce((sum, value, i) => sum + Math.abs(value - (kept.data[i] ?? 0)), 0);
      // Other versions of the SVG renderer smooth edges a little differently.
      expect(difference / drawn.data.length).toBeLessThan(1);
    }
  });

  it('stands beside a guide whose character.yaml is one', async () => {
    const guide = await readFile(join(exampleRoot, '../your-own-character.md'), 'utf8');
    const yaml = /```yaml\n([\s\S]*?)```/.exec(guide)?.[1] ?? '';
    const picture = await readFile(join(trainFolder, '0.png'));
    const folder = await writeFolder({
      'character.yaml': yaml,
      'garden.png': picture,
      'kitchen.png': picture,
    });
    expect(await readCharacter(folder)).toMatchObject({
      name: 'Robin',
      dialogues: [{}, { history: [{ role: 'user' }, { role: 'Robin', text: 'Nineteen!' }] }],
      scenes: [{ imageId: 'garden' }],
      t2i: [{ imageId: 'kitchen' }],
    });
  });
});
