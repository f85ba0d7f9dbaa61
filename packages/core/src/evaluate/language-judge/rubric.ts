import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { checked, problemAt, readYaml } from '../../data/source.js';
import { writeFileAtomic } from '../../run/atomic-write.js';
import { DEFAULT_RUBRIC } from './default-rubric.js';

const Text = Type.String({ minLength: 1 });
const strict = { additionalProperties: false };
const LEVELS = ['1', '2', '3', '4', '5'] as const;

const RubricFile = Type.Object(
  {
    system: Text,
    criteria: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: '^[a-z][a-z0-9_]*$' }),
          title: Text,
          ask: Text,
          levels: Type.Object(Object.fromEntries(LEVELS.map((level) => [level, Text])), strict),
        },
        strict,
      ),
      { minItems: 1 },
    ),
    compare: Text,
  },
  strict,
);

/** What replies are judged by. */
export interface Rubric {
  readonly system: string;
  readonly criteria: readonly Criterion[];
  /** Asked of two replies to the same words. */
  readonly compare: string;
}

export interface Criterion {
  readonly name: string;
  readonly title: string;
  readonly ask: string;
  /** What each score from 1 to 5 means. */
  readonly levels: Readonly<Record<string, string>>;
}

/** Reads a rubric. @throws DataError naming file, line and field */
export async function readRubric(file: string): Promise<Rubric> {
  const source = await readYaml(file);
  const rubric: Static<typeof RubricFile> = checked(RubricFile, source);
  const names = rubric.criteria.map(({ name }) => name);
  const twice = names.findIndex((name, i) => names.indexOf(name) !== i);
  if (twice >= 0) {
    throw problemAt(
      source,
      `/criteria/${twice}/name`,
      'a name of its own',
      `"${names[twice]}" a second time`,
    );
  }
  return rubric as Rubric;
}

/** The rubric of a folder; the project's own is written there when there is none, so that it can be changed. */
export async function rubricOf(folder: string): Promise<Rubric> {
  const file = join(folder, 'rubric.yaml');
  if (!existsSync(file)) writeFileAtomic(file, DEFAULT_RUBRIC);
  return readRubric(file);
}

/** A text of the rubric about a character. */
export const about = (text: string, { name, profile }: { name: string; profile: string }): string =>
  text.replace(/\{(name|profile)\}/g, (_, gap: 'name' | 'profile') => ({ name, profile })[gap].trim());

/** The criteria as the judge reads them. */
export function criteriaText({ criteria }: Pick<Rubric, 'criteria'>): string {
  return criteria
    .map(({ name, ask, levels }) => {
      const lines = LEVELS.map((level) => `  ${level}: ${levels[level]}`);
      return [`${name}: ${ask}`, ...lines].join('\n');
    })
    .join('\n');
}
