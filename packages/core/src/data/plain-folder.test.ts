import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { robinFiles, writeFolder } from '../../test/character-folders.js';
import { readCharacter } from './read-character.js';

const picture = robinFiles()['0.png'];
const folderWith = (yaml: string) => writeFolder({ 'rain.png': picture, 'character.yaml': yaml });

describe('a plain folder', () => {
  it('is read completely', async () => {
    const folder = await folderWith(`
name: Robin
description: >
  A robin that
  collects buttons.
opening: Peep!
dialogues:
  - user: How many buttons?
    reply: 5
  - user: And now?
    reply: yes
    history: [{ role: user, text: Hello }, { role: Robin, text: Peep! }]
scenes:
  - { image: rain.png, user: Wet?, reply: Very., thinking: Rain falls., instruction: A robin in rain. }
vqa:
  - { image: rain, question: What falls?, answer: Rain. }
knowledge:
  - { question: Hobby?, answer: Buttons. }
t2i:
  - { image: rain, instruction: A robin in rain. }
test_dialogues:
  - { user: Cold?, reply: No. }
`);
    const robin = await readCharacter(folder);
    expect(robin).toMatchObject({
      name: 'Robin',
      description: 'A robin that collects buttons.',
      opening: 'Peep!',
      images: [{ id: 'rain', path: join(folder, 'rain.png') }],
      dialogues: [
        { user: 'How many buttons?', reply: '5' },
        { user: 'And now?', reply: 'yes', history: [{ role: 'user' }, { role: 'Robin', text: 'Peep!' }] },
      ],
      scenes: [{ imageId: 'rain', reply: 'Very.', thinking: 'Rain falls.' }],
      vqa: [{ imageId: 'rain', kind: 'objective' }],
      knowledge: [{ answer: 'Buttons.' }],
      t2i: [{ imageId: 'rain', instruction: 'A robin in rain.' }],
      heldOut: { dialogues: [{ user: 'Cold?', reply: 'No.' }] },
    });
  });

  it('needs a name and a description only', async () => {
    const robin = await readCharacter(await folderWith('name: Robin\ndescription: A robin.\n'));
    expect(robin).toMatchObject({ opening: '', dialogues: [], scenes: [], knowledge: [] });
    expect(robin.profile).toBeUndefined();
  });

  it.each([
    ['a missing field', 'name: Robin\n', /:1:1: expected the field "description", found only "name"/],
    ['an empty text', 'name: Robin\ndescription:\n', /at \/description: expected a text that is not empty/],
    [
      'an unknown field',
      'name: Robin\ndescription: A robin.\ndialogs: []\n',
      /:3:\d+ at \/dialogs: expected nothing here/,
    ],
    [
      'a picture that does not exist',
      'name: Robin\ndescription: D\nt2i:\n  - image: sun\n    instruction: I\n',
      /:4:12 at \/t2i\/0\/image: expected the name of a picture .* found "sun"; the folder has rain/,
    ],
    ['bad YAML', 'name: [Robin\ndescription: D\n', /character\.yaml:2:\d+: expected valid YAML, found /],
    ['a list instead of fields', '- Robin\n', /expected object, found a list of 1/],
  ])('names %s', async (_, yaml, message) => {
    await expect(readCharacter(await folderWith(yaml))).rejects.toThrow(message);
  });
});
