import { type Character, readGrpoPrompts } from '../../data/index.js';
import type { WeightedQuestion } from '../../reward/index.js';
import { TrainError } from '../train-error.js';

/** What Character-GRPO asks for, and the questions that its pictures have to answer. */
export interface ImagePromptSample {
  readonly prompt: string;
  readonly questions: readonly WeightedQuestion[];
}

/**
 * The prompts of a prompt file, each once, or those of the character's own data: the instruction of every picture with the
 * objective questions about that picture.
 * @throws DataError naming a line of the file; TrainError when there is nothing to ask for
 */
export async function imagePrompts(character: Character, file?: string): Promise<ImagePromptSample[]> {
  const prompts = file === undefined ? ownPrompts(character) : await promptsOfFile(file);
  if (prompts.length > 0) return prompts;
  throw new TrainError(
    `${file ?? character.source}: expected prompts to draw from, found none; ` +
      'add instructions for the pictures (t2i), or name a prompt file with grpo.prompts',
  );
}

function ownPrompts({ t2i, scenes, vqa }: Character): ImagePromptSample[] {
  const instructed = new Set(t2i.map(({ imageId }) => imageId));
  const planned = scenes.flatMap(({ imageId, instruction }) =>
    instruction === undefined || instructed.has(imageId) ? [] : [{ imageId, instruction }],
  );
  return unique(
    [...t2i, ...planned].map(({ imageId, instruction }) => ({
      prompt: instruction,
      questions: vqa
        .filter((row) => row.imageId === imageId && row.kind === 'objective')
        .map(({ question, answer }) => ({ question, answer, weight: 1 })),
    })),
  );
}

async function promptsOfFile(file: string): Promise<ImagePromptSample[]> {
  const rows = await readGrpoPrompts(file);
  return unique(
    rows.map(({ prompt, questions }) => ({
      prompt,
      questions: questions.map(({ question, answer, weight }) => ({ question, answer, weight })),
    })),
  );
}

/** Prompts that are repeated would become one bigger group: each counts once. */
function unique(prompts: readonly ImagePromptSample[]): ImagePromptSample[] {
  return [...new Map(prompts.map((sample) => [sample.prompt, sample])).values()];
}
