/** Reads a character that somebody made by hand: a folder with pictures and one `character.yaml`. */

import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import Type, { type Static } from 'typebox';
import { type Character, emptyHeldOut, type ImageRef } from './character.js';
import { listImages } from './image-files.js';
import { checked, originOf, problemAt, readYaml, type Source } from './source.js';

const strict = { additionalProperties: false };
const Text = Type.String({ minLength: 1 });

const DialogueEntry = Type.Object(
  {
    user: Text,
    reply: Text,
    history: Type.Optional(Type.Array(Type.Object({ role: Text, text: Text }, strict))),
  },
  strict,
);

/**
 * `character.yaml`. Only name and description are required; every list may be left out. `image` is the name of a
 * picture in the same folder, with or without its extension. All values are text.
 */
const CharacterYaml = Type.Object(
  {
    name: Text,
    description: Text,
    /** How a conversation starts, in the character's words. */
    opening: Type.Optional(Type.String()),
    /** Free text for people; it is not trained on. */
    profile: Type.Optional(Type.String()),
    /** What the user says and what the character answers. `history`: the turns before, oldest first. */
    dialogues: Type.Optional(Type.Array(DialogueEntry)),
    /** A dialogue that belongs to a picture; `thinking` and `instruction` are the plan of the picture. */
    scenes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            image: Text,
            user: Text,
            reply: Text,
            thinking: Type.Optional(Text),
            instruction: Type.Optional(Text),
          },
          strict,
        ),
      ),
    ),
    /** Questions about a picture; `kind` defaults to objective. */
    vqa: Type.Optional(
      Type.Array(
        Type.Object(
          {
            image: Text,
            question: Text,
            answer: Text,
            kind: Type.Optional(Type.Union([Type.Literal('objective'), Type.Literal('subjective')])),
          },
          strict,
        ),
      ),
    ),
    /** Facts about the character. */
    knowledge: Type.Optional(Type.Array(Type.Object({ question: Text, answer: Text }, strict))),
    /** What to draw, in plain words. */
    t2i: Type.Optional(Type.Array(Type.Object({ image: Text, instruction: Text }, strict))),
    /** Dialogues to test with, never trained on. */
    test_dialogues: Type.Optional(Type.Array(DialogueEntry)),
  },
  strict,
);

/** Path of the folder's `character.yaml` (or `.yml`), or undefined when it has none. */
export async function findCharacterYaml(folder: string): Promise<string | undefined> {
  for (const name of ['character.yaml', 'character.yml']) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) return join(folder, name);
  }
  return undefined;
}

/**
 * Reads `folder` with its `character.yaml`. A picture without a description of any kind is listed in `images` only.
 * @throws DataError for bad YAML, an unknown or missing field, an empty text, or a picture that does not exist
 */
export async function readPlainFolder(folder: string, yamlFile: string): Promise<Character> {
  const source = await readYaml(yamlFile);
  const data: Static<typeof CharacterYaml> = checked(CharacterYaml, source);
  const images = await listImages(folder);
  const idAt = (name: string, field: string): string => imageIdOf(name, images, source, `${field}/image`);
  const withOrigin = <T>(list: string, rows: T[] | undefined) =>
    (rows ?? []).map((row, i) => ({ row, origin: originOf(source, `/${list}/${i}`) }));

  return {
    name: data.name,
    description: data.description.trim(),
    opening: data.opening?.trim() ?? '',
    images,
    dialogues: withOrigin('dialogues', data.dialogues).map(({ row, origin }) => ({ ...row, origin })),
    scenes: withOrigin('scenes', data.scenes).map(({ row: { image, ...scene }, origin }) => ({
      imageId: idAt(image, origin.field),
      ...scene,
      origin,
    })),
    vqa: withOrigin('vqa', data.vqa).map(({ row: { image, question, answer, kind }, origin }) => ({
      imageId: idAt(image, origin.field),
      question,
      answer,
      kind: kind ?? 'objective',
      origin,
    })),
    knowledge: withOrigin('knowledge', data.knowledge).map(({ row, origin }) => ({ ...row, origin })),
    t2i: withOrigin('t2i', data.t2i).map(({ row: { image, instruction }, origin }) => ({
      imageId: idAt(image, origin.field),
      instruction,
      origin,
    })),
    heldOut: {
      ...emptyHeldOut(),
      dialogues: withOrigin('test_dialogues', data.test_dialogues).map(({ row, origin }) => ({
        ...row,
        origin,
      })),
    },
    ...(data.profile === undefined ? {} : { profile: data.profile.trim() }),
    source: folder,
  };
}

function imageIdOf(name: string, images: ImageRef[], source: Source, field: string): string {
  const image = images.find(({ id, path }) => name === id || name === `${id}${extname(path)}`);
  if (image) return image.id;
  const found = `"${name}"; the folder has ${images.map(({ id }) => id).join(', ') || 'no pictures'}`;
  throw problemAt(
    source,
    field,
    'the name of a picture beside character.yaml',
    found,
    'add the picture or correct the name',
  );
}
