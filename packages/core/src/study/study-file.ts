import Type from 'typebox';
import { parse } from 'yaml';
import { DataError } from '../data/errors.js';
import { checked, problemAt, readText, type Source } from '../data/source.js';
import { FAMILIES, type Family } from '../evaluate/index.js';

const Count = Type.Integer({ minimum: 0 });

const StudyFile = Type.Object(
  {
    out: Type.String(),
    characters: Type.Array(Type.String(), { minItems: 1 }),
    config: Type.Optional(Type.String()),
    set: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    variants: Type.Array(
      Type.Object(
        {
          name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.+_-]*$' }),
          from: Type.Optional(Type.String()),
          promptOnly: Type.Optional(Type.Boolean()),
          set: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
    evaluation: Type.Optional(
      Type.Object(
        {
          metrics: Type.Optional(Type.Array(Type.Union(FAMILIES.map((name) => Type.Literal(name))))),
          imagesPerPrompt: Type.Optional(Type.Integer({ minimum: 1 })),
          limit: Type.Optional(Count),
          seed: Type.Optional(Count),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

/** One way of training that a study compares. */
export interface StudyVariant {
  readonly name: string;
  /** An earlier variant whose finished run this one goes on from, such as Character-GRPO after Unified-SFT. */
  readonly from?: string;
  /** Nothing is trained: the base model has the character's profile in its prompt. */
  readonly promptOnly?: boolean;
  /** Options over the common configuration, by dotted path; those of the whole study are among them. */
  readonly set: Readonly<Record<string, unknown>>;
}

/** Ways of training compared on characters. */
export interface Study {
  /** Folder of all runs and tables. */
  readonly out: string;
  /** Training folders of the characters. */
  readonly characters: readonly string[];
  /** Training configuration that all variants share; the defaults when absent. */
  readonly config?: string;
  readonly variants: readonly StudyVariant[];
  readonly evaluation: {
    readonly families: readonly Family[];
    readonly imagesPerPrompt: number;
    readonly limit: number;
    readonly seed: number;
  };
}

/**
 * Reads a study from YAML. Paths are kept as they are written.
 * @throws DataError naming file and field
 */
export async function readStudy(file: string): Promise<Study> {
  const source: Source = { file, value: parseYaml(file, await readText(file)), locate: () => undefined };
  const { out, characters, config, set: common, variants, evaluation = {} } = checked(StudyFile, source);
  variants.forEach(({ name, from }, i) => {
    const before = variants.slice(0, i);
    const earlier = before.map((variant) => variant.name);
    if (earlier.includes(name)) {
      throw problemAt(source, `/variants/${i}/name`, 'a name of its own', `"${name}" a second time`);
    }
    const trained = before.filter((variant) => !variant.promptOnly).map((variant) => variant.name);
    if (from !== undefined && !trained.includes(from)) {
      throw problemAt(
        source,
        `/variants/${i}/from`,
        'the name of an earlier variant that is trained',
        `"${from}"`,
      );
    }
  });
  return {
    out,
    characters,
    ...(config === undefined ? {} : { config }),
    variants: variants.map(({ set, ...variant }) => ({ ...variant, set: { ...common, ...set } })),
    evaluation: {
      families: evaluation.metrics ?? FAMILIES,
      imagesPerPrompt: evaluation.imagesPerPrompt ?? 4,
      limit: evaluation.limit ?? 0,
      seed: evaluation.seed ?? 1,
    },
  };
}

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    throw new DataError({
      file,
      expected: 'valid YAML',
      found: cause instanceof Error ? cause.message.split('\n')[0]! : String(cause),
      advice: 'correct the YAML syntax',
    });
  }
}
