/** Turns a character into training samples: one list of typed items per sample, for every task of Unified-SFT (spec 6.8). */

import type { Character, Dialogue, ImageRef, Scene } from './character.js';
import { DataError } from './errors.js';
import {
  dialoguePrompt,
  imagePrompt,
  ownTemplates,
  type PromptTemplates,
  thinkingAnswer,
  thinkingPrompt,
} from './prompt-templates.js';

/** Task names in the order in which `buildTasks` returns them. */
export const TASKS = [
  'dialogue',
  'thinking',
  'knowledge_qa',
  'vqa',
  't2i',
  't2i_with_thinking',
  't2i_instruction',
] as const;

export type Task = (typeof TASKS)[number];

/**
 * One piece of a sequence (spec 4.2). A text item is `<|im_start|>` ids `<|im_end|>`, an image item is start-of-image,
 * patches or latents, end-of-image; the packer adds these markers. `loss` marks what the model learns to produce.
 * `droppable` marks a condition that the packer leaves out now and then, so that guidance has an unconditional model.
 */
export type Item =
  | { kind: 'text'; text: string; loss: boolean; droppable?: boolean }
  | { kind: 'vit'; image: ImageRef; droppable?: boolean }
  | { kind: 'vae'; image: ImageRef; loss: boolean; droppable?: boolean };

export interface TaskSample {
  /** `<task>/<number>`, stable for the same data folder whatever the mix. */
  id: string;
  task: Task;
  items: Item[];
}

/** How much of the training goes to each task: relative weights, any scale; a task that is absent or 0 is left out. */
export type TaskMix = Partial<Record<Task, number>>;

/** Everything the paper's full mix trains on; picture tasks get about half of the draws. */
export const defaultMix: TaskMix = {
  dialogue: 4,
  thinking: 1,
  knowledge_qa: 1,
  vqa: 1,
  t2i: 3,
  t2i_with_thinking: 2,
  t2i_instruction: 2,
};

/**
 * All samples of the tasks that `mix` asks for, each once; how often a task is drawn is the trainer's business
 * (`mixShares` says with which probability).
 *
 * `dialogue` holds the dialogues and those scenes that are not already among them. `thinking` and `t2i_with_thinking`
 * only take scenes with a plan. Picture prompts are droppable; text and visual-question items never are (spec 6.5).
 *
 * @throws DataError when the mix names an unknown task, a negative weight, or leaves nothing to train on, and when a
 *   record names a picture that the character does not have.
 */
export function buildTasks(
  character: Character,
  mix: TaskMix = defaultMix,
  templates: PromptTemplates = ownTemplates,
): TaskSample[] {
  checkMix(mix);
  const samples = TASKS.filter((task) => (mix[task] ?? 0) > 0).flatMap((task) =>
    itemsOf(task, character, templates).map((items, index) => ({ id: `${task}/${index}`, task, items })),
  );
  if (samples.length === 0) {
    throw new DataError({
      file: character.source,
      expected: 'at least one sample for the tasks of the mix',
      found: `none for ${JSON.stringify(mix)}`,
      advice: 'add data for one of these tasks or give weight to a task that has data',
    });
  }
  return samples;
}

export interface TaskShare {
  task: Task;
  weight: number;
  samples: number;
  /** Probability that a draw takes this task: its weight among the tasks that have samples, otherwise 0. */
  share: number;
}

/** The effective mix: what each task has to offer and what it gets. A wanted task without data shows up with share 0. */
export function mixShares(samples: TaskSample[], mix: TaskMix = defaultMix): TaskShare[] {
  checkMix(mix);
  const rows = TASKS.map((task) => ({
    task,
    weight: mix[task] ?? 0,
    samples: samples.filter((sample) => sample.task === task).length,
  })).filter((row) => row.weight > 0);
  const total = rows.reduce((sum, row) => sum + (row.samples > 0 ? row.weight : 0), 0);
  return rows.map((row) => ({ ...row, share: row.samples > 0 ? row.weight / total : 0 }));
}

/** The dialogues together with those scenes that are not already among them (RoleScape appends its scenes itself). */
export function allDialogues(character: Character): Dialogue[] {
  const known = new Set(character.dialogues.map((dialogue) => `${dialogue.user}\n${dialogue.reply}`));
  const added = character.scenes.filter((scene) => !known.has(`${scene.user}\n${scene.reply}`));
  return [...character.dialogues, ...added.map(({ user, reply }) => ({ user, reply }))];
}

type PlannedScene = Scene & { thinking: string; instruction: string };

function isPlanned(scene: Scene): scene is PlannedScene {
  return scene.thinking !== undefined && scene.instruction !== undefined;
}

function itemsOf(task: Task, character: Character, templates: PromptTemplates): Item[][] {
  const { name, description, opening } = character;
  const images = new Map(character.images.map((image) => [image.id, image]));
  const imageOf = (imageId: string, field: string): ImageRef => {
    const image = images.get(imageId);
    if (image) return image;
    throw new DataError({
      file: character.source,
      path: field,
      expected: 'the id of a picture of this character',
      found: `"${imageId}"`,
      advice: 'add the picture or correct the id',
    });
  };
  const draw = (prompt: string, imageId: string, field: string): Item[] => [
    { kind: 'text', text: prompt, loss: false, droppable: true },
    { kind: 'vae', image: imageOf(imageId, field), loss: true },
  ];
  switch (task) {
    case 'dialogue':
      return allDialogues(character).map(({ user, reply, history }) => {
        const fields = { name, description, opening, user, ...(history ? { history } : {}) };
        return answer(dialoguePrompt(fields, templates), reply);
      });
    case 'thinking':
      return character.scenes
        .filter(isPlanned)
        .map((scene) => answer(thinkingPrompt({ ...scene, description }, templates), thinkingAnswer(scene)));
    case 'knowledge_qa':
      return character.knowledge.map((qa) => answer(qa.question, qa.answer));
    case 'vqa':
      return character.vqa.map((qa, i) => [
        { kind: 'vit', image: imageOf(qa.imageId, `/vqa/${i}`) },
        ...answer(qa.question, qa.answer),
      ]);
    case 't2i':
      return character.scenes.map(({ imageId, user, reply }, i) =>
        draw(imagePrompt({ description, user, reply }, templates), imageId, `/scenes/${i}`),
      );
    case 't2i_with_thinking':
      return character.scenes.filter(isPlanned).map((scene, i) => {
        const { imageId, user, reply, thinking, instruction } = scene;
        const prompt = imagePrompt({ description, user, reply, thinking, instruction }, templates);
        return draw(prompt, imageId, `/scenes/${i}`);
      });
    case 't2i_instruction':
      return character.t2i.map((row, i) => draw(row.instruction, row.imageId, `/t2i/${i}`));
  }
}

function answer(prompt: string, reply: string): Item[] {
  return [
    { kind: 'text', text: prompt, loss: false },
    { kind: 'text', text: reply, loss: true },
  ];
}

function checkMix(mix: TaskMix): void {
  const known: readonly string[] = TASKS;
  for (const [task, weight] of Object.entries(mix)) {
    if (!known.includes(task)) {
      throw mixError(task, `one of the tasks ${TASKS.join(', ')}`, `"${task}"`);
    }
    if (!Number.isFinite(weight) || weight < 0) {
      throw mixError(task, 'a weight of 0 or more', String(weight));
    }
  }
  if (!Object.values(mix).some((weight) => weight > 0)) {
    throw mixError('', 'at least one task with a positive weight', JSON.stringify(mix));
  }
}

function mixError(task: string, expected: string, found: string): DataError {
  return new DataError({
    file: 'task mix',
    path: `/${task}`,
    expected,
    found,
    advice: 'correct the task mix in the training config',
  });
}
