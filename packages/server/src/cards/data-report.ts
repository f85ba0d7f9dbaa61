import { allDialogues, type Character, type Finding, inspectCharacter, type Task } from '@unicharacter/core';

/** Something that a character lacks to be trained well. */
export interface Lack {
  readonly what: 'images' | 'captions' | 'dialogues' | 'knowledge' | 'opening';
  /** True when nothing can be trained without it. */
  readonly required: boolean;
  readonly message: string;
}

/** What the data of an upload are good for. Names of files are inside the upload. */
export interface DataReport {
  readonly images: number;
  readonly tasks: readonly { readonly task: Task; readonly samples: number }[];
  readonly findings: readonly Finding[];
  readonly missing: readonly Lack[];
  /** No finding is an error, and there is something to learn from. */
  readonly trainable: boolean;
}

/** Below these counts more is advised; the paper trains on about ten pictures and some hundred dialogues. */
const ADVISED = { images: 8, dialogues: 20 };

/** Looks at a character that was uploaded. */
export async function reportOn(character: Character): Promise<DataReport> {
  const { ok, findings, tasks } = await inspectCharacter(character);
  const samples = tasks.reduce((sum, task) => sum + task.samples, 0);
  return {
    images: character.images.length,
    tasks: tasks.map(({ task, samples: count }) => ({ task, samples: count })),
    findings: findings.map((finding) => ({
      ...finding,
      file: inside(finding.file, character),
      message: inside(finding.message, character),
    })),
    missing: lacksOf(character, samples === 0),
    trainable: ok && samples > 0,
  };
}

/** A text without the folder that the character was read from. */
const inside = (text: string, { source }: Character): string =>
  text.replaceAll(`${source}/`, '').replaceAll(source, '');

function lacksOf(character: Character, nothing: boolean): Lack[] {
  const { images, scenes, vqa, t2i, knowledge, opening } = character;
  const described = new Set([...scenes, ...vqa, ...t2i].map(({ imageId }) => imageId));
  const bare = images.filter(({ id }) => !described.has(id)).map(({ id }) => id);
  const dialogues = allDialogues(character).length;
  const lacks: (Omit<Lack, 'required'> | false)[] = [
    images.length === 0 && { what: 'images', message: 'There are no pictures: it will not learn to draw.' },
    images.length > 0 &&
      images.length < ADVISED.images && {
        what: 'images',
        message: `There are ${images.length} pictures; about ten are good.`,
      },
    bare.length > 0 && {
      what: 'captions',
      message: `Nothing says what these pictures show, so they teach nothing: ${bare.join(', ')}.`,
    },
    dialogues === 0 && { what: 'dialogues', message: 'There are no dialogues: it will not learn to talk.' },
    dialogues > 0 &&
      dialogues < ADVISED.dialogues && {
        what: 'dialogues',
        message: `There are ${dialogues} dialogues; ${ADVISED.dialogues} and more are good.`,
      },
    knowledge.length === 0 && { what: 'knowledge', message: 'There are no questions about the character.' },
    opening === '' && { what: 'opening', message: 'It has nothing to begin a conversation with.' },
  ];
  return lacks
    .filter((lack) => lack !== false)
    .map((lack) => ({
      ...lack,
      required: nothing && ['images', 'captions', 'dialogues'].includes(lack.what),
    }));
}
