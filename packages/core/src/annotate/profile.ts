import { basename, extname } from 'node:path';
import Type from 'typebox';
import type { Dialogue, KnowledgeQuestion } from '../data/character.js';
import { DataError } from '../data/errors.js';
import { checked, readText, readYaml, type Source } from '../data/source.js';

/** What is known about a character before anything is written for it. */
export interface AnnotationProfile {
  readonly name: string;
  /** Everything about the character, in free text. */
  readonly text: string;
  /** Two or three sentences that stand in every prompt; written by the model when absent. */
  readonly description?: string;
  readonly opening?: string;
  /** Exchanges that show how the character talks; they are trained on, too. */
  readonly dialogues: readonly Dialogue[];
  readonly knowledge: readonly KnowledgeQuestion[];
}

const Words = Type.String({ minLength: 1 });
const strict = { additionalProperties: false };

const ProfileFields = Type.Object(
  {
    name: Type.Optional(Words),
    description: Type.Optional(Words),
    opening: Type.Optional(Type.String()),
    profile: Type.Optional(Words),
    dialogues: Type.Optional(Type.Array(Type.Object({ user: Words, reply: Words }, strict))),
    knowledge: Type.Optional(Type.Array(Type.Object({ question: Words, answer: Words }, strict))),
  },
  strict,
);

/**
 * Reads a profile: free text (`.txt`, `.md`; the name is its first heading), or YAML with the fields name, description,
 * opening, profile, dialogues and knowledge, as in `character.yaml`.
 *
 * @param name overrules the one in the file
 * @throws DataError naming file and field, and when there is no name or nothing is said
 */
export async function readProfile(file: string, name?: string): Promise<AnnotationProfile> {
  if (/\.(ya?ml|json)$/i.test(file)) return profileOf(await readYaml(file), name);
  const text = (await readText(file)).trim();
  const heading = /^#\s+(.+)$/m.exec(text)?.[1]?.trim();
  return requireProfile(file, { name: name ?? heading ?? '', text, dialogues: [], knowledge: [] });
}

/** The profile in the fields of a source. @throws DataError as {@link readProfile} */
export function profileOf(source: Source, name?: string): AnnotationProfile {
  const {
    name: own,
    description,
    opening,
    profile,
    dialogues = [],
    knowledge = [],
  } = checked(ProfileFields, source);
  const text = [...new Set([profile, description])].filter((part) => part !== undefined).join('\n\n');
  return requireProfile(source.file, {
    name: name ?? own ?? '',
    text: text.trim(),
    ...(description === undefined ? {} : { description: description.trim() }),
    ...(opening === undefined ? {} : { opening: opening.trim() }),
    dialogues,
    knowledge,
  });
}

function requireProfile(file: string, profile: AnnotationProfile): AnnotationProfile {
  const { name, text } = profile;
  if (text === '')
    throw lacking(file, 'a text about the character', 'nothing', 'say who it is, how it looks and talks');
  if (name === '') {
    const where = extname(file) === '.md' ? 'a first line "# Name"' : `"name" in ${basename(file)}`;
    throw lacking(file, `the character's name`, 'none', `add ${where}, or give --name`);
  }
  if (/[/\\]|^\./.test(name)) {
    throw lacking(
      file,
      'a name that a folder can have',
      `"${name}"`,
      'leave out / and \\, and a dot at the beginning',
    );
  }
  return profile;
}

const lacking = (file: string, expected: string, found: string, advice: string) =>
  new DataError({ file, expected, found, advice });
