import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../image/index.js';
import { KeyedRandom } from '../../random/keyed-random.js';
import { inspectFolder } from '../inspect/index.js';
import { readGrpoPrompts } from '../rolescape/grpo-prompts.js';
import { readRoleScape } from '../rolescape/index.js';
import {
  drawScene,
  isIndoors,
  isReservedLook,
  LOOK_VALUES,
  type Look,
  pretrainingCharacters,
  randomLook,
  randomScene,
  SCENE_VALUES,
  sceneSvg,
  TOYSCAPE_NAMES,
  TOYSCAPE_SEED,
  type ToyScene,
  TRUTH_FILE,
  toyCharacter,
  toyscapeCharacter,
  visibleLook,
  visibleScene,
  WORLD_FOLDERS,
  writeToyCharacter,
} from './index.js';

const look: Look = {
  species: 'fox',
  colour: 'orange',
  pattern: 'spots',
  patternColour: 'white',
  eyes: 'green',
  build: 'round',
  outfit: 'shirt',
  outfitColour: 'blue',
  accessory: 'scarf',
  accessoryColour: 'green',
};
const scene: ToyScene = {
  place: 'meadow',
  time: 'day',
  weather: 'clear',
  pose: 'standing',
  expression: 'happy',
  object: 'book',
  framing: 'full',
};

const digest = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');

describe('drawing', () => {
  it('shows every value of every attribute: another value is another picture', async () => {
    const plain = digest((await drawScene(look, scene, 64)).data);
    const changed: string[] = [];
    for (const [attribute, values] of Object.entries(LOOK_VALUES)) {
      for (const value of values) {
        if (value === look[attribute as keyof Look]) continue;
        changed.push(digest((await drawScene({ ...look, [attribute]: value } as Look, scene, 64)).data));
      }
    }
    for (const [attribute, values] of Object.entries(SCENE_VALUES)) {
      for (const value of values) {
        if (value === scene[attribute as keyof ToyScene]) continue;
        changed.push(digest((await drawScene(look, { ...scene, [attribute]: value } as ToyScene, 64)).data));
      }
    }
    expect(changed).not.toContain(plain);
    expect(new Set(changed).size).toBe(changed.length);
  });

  it('does not show the colours of things that are not there', () => {
    const bare: Look = { ...look, pattern: 'plain', outfit: 'nothing', accessory: 'nothing' };
    const other: Look = { ...bare, patternColour: 'red', outfitColour: 'red', accessoryColour: 'red' };
    expect(sceneSvg(other, scene)).toBe(sceneSvg(bare, scene));
    expect(visibleLook(bare)).toEqual({
      species: 'fox',
      colour: 'orange',
      eyes: 'green',
      build: 'round',
      pattern: 'plain',
      outfit: 'nothing',
      accessory: 'nothing',
    });
  });

  it('has no weather indoors', () => {
    const kitchen: ToyScene = { ...scene, place: 'kitchen' };
    expect(sceneSvg(look, { ...kitchen, weather: 'rain' })).toBe(sceneSvg(look, kitchen));
    expect(visibleScene(kitchen)).not.toHaveProperty('weather');
  });
});

describe('random looks and scenes', () => {
  it('make sense', () => {
    for (let i = 0; i < 500; i++) {
      const random = new KeyedRandom(5, 1, [i]);
      const drawn = randomLook(random);
      expect(drawn.patternColour).not.toBe(drawn.colour);
      expect(drawn.outfitColour).not.toBe(drawn.colour);
      const place = randomScene(random);
      if (isIndoors(place.place)) expect([place.weather, place.object]).not.toContain('umbrella');
      if (place.expression === 'asleep') expect(['lying', 'sitting']).toContain(place.pose);
    }
  });
});

describe('a character', () => {
  it('is the same for the same seed and another for another index', () => {
    expect(toyCharacter(3, 1)).toEqual(toyCharacter(3, 1));
    expect(toyCharacter(3, 2).description).not.toBe(toyCharacter(3, 1).description);
  });

  it('never repeats a scene between training, test and prompts', () => {
    const { train, test, prompts } = toyscapeCharacter(4);
    const scenes = [...train, ...test, ...prompts].map((one) => JSON.stringify(one.scene));
    expect(new Set(scenes).size).toBe(10 + 6 + 32);
  });

  it('never trains on a way of asking that the evaluation uses', () => {
    const { dialogues, heldOutDialogues, knowledge, knowledgeChoices } = toyscapeCharacter(7);
    const trained = new Set([
      ...dialogues.map(({ user }) => user),
      ...knowledge.map(({ question }) => question),
    ]);
    expect(dialogues).toHaveLength(150);
    expect(knowledge.length).toBeGreaterThanOrEqual(75);
    for (const { user } of heldOutDialogues) expect(trained).not.toContain(user);
    for (const { question } of knowledgeChoices) expect(trained).not.toContain(question);
  });

  it('keeps to its way of speaking in every reply', () => {
    for (let index = 0; index < TOYSCAPE_NAMES.length; index++) {
      const { persona, dialogues, train } = toyscapeCharacter(index);
      const replies = [...dialogues.map(({ reply }) => reply), ...train.map(({ words }) => words.reply)];
      for (const reply of replies) {
        expect(reply.startsWith(persona.style.opener)).toBe(true);
        expect(reply).toContain(persona.style.address);
        expect(reply).not.toMatch(/[{}]|undefined/);
        const own = reply.replace(persona.style.opener, '').replace(persona.style.address, '');
        if (persona.style.person === 'third') expect(own).not.toMatch(/\b(I|my|me)\b/);
      }
    }
  });

  it('answers questions about its pictures with what the picture shows', () => {
    const { look: own, train } = toyscapeCharacter(0);
    for (const { scene: shown, questions, choices } of train) {
      const truth: Record<string, string> = { ...visibleLook(own), ...visibleScene(shown) };
      for (const { attribute, question, answer } of questions) {
        if (answer === 'yes') expect(question).toContain(truth[attribute]);
        else if (answer === 'no') expect(question.endsWith(` ${truth[attribute]}?`)).toBe(false);
        else expect(answer).toBe(truth[attribute]);
      }
      for (const { options, answer } of choices) expect(Object.values(truth)).toContain(options[answer]);
    }
  });
});

describe('ToyScape-20', () => {
  it('is the published one', () => {
    const all = TOYSCAPE_NAMES.map((_, index) => toyscapeCharacter(index));
    const pictures = all.map(({ look: own, train }) => train.map((one) => sceneSvg(own, one.scene)));
    expect(digest(JSON.stringify([all, pictures]))).toBe(
      '8503386bc34e9dd9434e2918aaf16761bc24b63651fb8273b5af705ec1a60380',
    );
  });

  it('has twenty looks and twenty ways to begin a reply', () => {
    const all = TOYSCAPE_NAMES.map((_, index) => toyscapeCharacter(index));
    expect(new Set(all.map(({ look: own }) => JSON.stringify(visibleLook(own)))).size).toBe(20);
    expect(new Set(all.map(({ persona }) => persona.style.opener)).size).toBe(20);
    expect(new Set(all.map(({ look: own }) => own.species)).size).toBe(LOOK_VALUES.species.length);
    expect(() => toyscapeCharacter(20)).toThrow('ToyScape-20 has characters 0 to 19, found 20');
  });

  it('is kept out of pre-training', () => {
    const characters = pretrainingCharacters(1);
    for (let i = 0; i < 50; i++) {
      const { value } = characters.next();
      expect(isReservedLook(value.look)).toBe(false);
    }
    expect(isReservedLook(toyscapeCharacter(3).look)).toBe(true);
    expect(() => pretrainingCharacters(TOYSCAPE_SEED).next()).toThrow('belongs to ToyScape-20');
  });
});

describe('the written folder', () => {
  const root = mkdtempSync(join(tmpdir(), 'toy-world-'));
  const character = toyscapeCharacter(2);
  const folder = (part: keyof typeof WORLD_FOLDERS) =>
    join(root, WORLD_FOLDERS[part], character.persona.name);
  beforeAll(() => writeToyCharacter(root, character, 64));
  afterAll(() => rmSync(root, { recursive: true }));

  it('is read back by the reader of RoleScape folders, without a finding', async () => {
    const read = await readRoleScape(folder('train'));
    expect(read).toMatchObject({ name: 'Cleo', description: character.description });
    expect(read.images).toHaveLength(10);
    expect(read.dialogues.map(({ user, reply }) => ({ user, reply }))).toEqual(character.dialogues);
    expect(read.knowledge.map(({ question, answer }) => ({ question, answer }))).toEqual(character.knowledge);
    expect(read.vqa.filter(({ kind }) => kind === 'objective')).toHaveLength(
      character.train.flatMap(({ questions }) => questions).length,
    );
    expect(read.heldOut.sceneChoices).toHaveLength(50);
    expect(read.heldOut.dialogues).toHaveLength(20);
    expect((await inspectFolder(folder('train'))).findings).toEqual([]);
    expect((await readRoleScape(folder('test'))).images).toHaveLength(6);
  });

  it('holds the pictures of the scenes and their ground truth', async () => {
    const truth = JSON.parse(readFileSync(join(folder('train'), TRUTH_FILE), 'utf8'));
    expect(truth.look).toEqual(visibleLook(character.look));
    expect(truth.scenes[3]).toEqual(visibleScene(character.train[3]!.scene));
    const picture = await decodeImage(join(folder('train'), '3.png'));
    const drawn = await drawScene(character.look, character.train[3]!.scene, 64);
    expect(digest(picture.data)).toBe(digest(drawn.data));
  });

  it('holds prompts of Character-GRPO with questions', async () => {
    const prompts = await readGrpoPrompts(join(folder('prompts'), 'Cleo_pure_t2i_with_vqa.jsonl'));
    expect(prompts).toHaveLength(32);
    expect(prompts[0]!.prompt).toBe(character.prompts[0]!.prompt);
    expect(prompts[0]!.questions).toHaveLength(character.prompts[0]!.questions.length);
  });
});
