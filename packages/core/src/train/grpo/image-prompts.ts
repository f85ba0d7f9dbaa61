import { type Character, readGrpoPrompts, type Scene } from '../../data/index.js';
import { KeyedRandom, streams } from '../../random/keyed-random.js';
import type { WeightedQuestion } from '../../reward/index.js';
import { TrainError } from '../train-error.js';

/** What Character-GRPO asks for, and the questions that its pictures have to answer. */
export interface ImagePromptSample {
  readonly prompt: string;
  readonly questions: readonly WeightedQuestion[];
  /** What is said in the scene of the picture, where it is one. */
  readonly scene?: Pick<Scene, 'user' | 'reply'>;
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

/**
 * Some of a prompt's questions, drawn for this place of an epoch: answering is the slow part of judging, and a group is
 * compared fairly when all of its pictures are asked the same. @param most 0 asks all
 */
export function someQuestions(
  sample: ImagePromptSample,
  most: number,
  { seed, epoch, index }: { seed: number; epoch: number; index: number },
): ImagePromptSample {
  const { questions } = sample;
  if (most === 0 || questions.length <= most) return sample;
  const order = new KeyedRandom(seed, streams.grpoQuestions, [epoch, index]).permutation(questions.length);
  return { ...sample, questions: order.slice(0, most).map((place) => questions[place]!) };
}

/**
 * The scenes of the character's own data, to be thought about before they are drawn. Pictures are judged by the instruction
 * of the data, where the scene has one, and by the questions about its picture.
 * @throws TrainError when the character has no scenes
 */
export function scenePrompts({ scenes, t2i, vqa, source }: Character): ImagePromptSample[] {
  const instructions = new Map(t2i.map(({ imageId, instruction }) => [imageId, instruction]));
  const prompts = scenes.map(({ imageId, user, reply, instruction }) => ({
    prompt: instruction ?? instructions.get(imageId) ?? reply,
    questions: questionsAbout(vqa, imageId),
    scene: { user, reply },
  }));
  if (prompts.length > 0) return unique(prompts);
  throw new TrainError(`${source}: grpo.thinking plans the pictures of scenes, and the character has none`);
}

function questionsAbout(vqa: Character['vqa'], imageId: string): WeightedQuestion[] {
  return vqa
    .filter((row) => row.imageId === imageId && row.kind === 'objective')
    .map(({ question, answer }) => ({ question, answer, weight: 1 }));
}

function ownPrompts({ t2i, scenes, vqa }: Character): ImagePromptSample[] {
  const instructed = new Set(t2i.map(({ imageId }) => imageId));
  const planned = scenes.flatMap(({ imageId, instruction }) =>
    instruction === undefined || instructed.has(imageId) ? [] : [{ imageId, instruction }],
  );
  return unique(
    [...t2i, ...planned].map(({ imageId, instruction }) => ({
      prompt: instruction,
      questions: questionsAbout(vqa, imageId),
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
