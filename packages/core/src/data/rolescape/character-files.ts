/** A character as the files of RoleScape-20 folders (spec 8.3, 8.4). */
import type { ChoiceQuestion, Dialogue, KnowledgeQuestion } from '../character.js';
import { PROCESSED, SUFFIX } from './folder.js';
import type { RewardQuestion } from './grpo-prompts.js';

/** Text files by name, relative to the character's folder. */
export type FileTexts = Record<string, string>;

/** What belongs to one picture; pictures are numbered in the order of their scenes. */
export interface SceneContent {
  readonly user: string;
  readonly reply: string;
  readonly thinking: string;
  /** Says what to draw to somebody who does not know the character. */
  readonly instruction: string;
  /** Only names the character. */
  readonly shortInstruction: string;
  readonly questions: readonly { question: string; answer: string; kind: 'objective' | 'subjective' }[];
  readonly choices: readonly ChoiceQuestion[];
}

/** Name and header of every file, and the profile. */
export interface CharacterHead {
  readonly name: string;
  readonly description: string;
  readonly opening: string;
  /** Markdown. */
  readonly profile: string;
}

/** Everything in a training folder. */
export interface TrainingContent extends CharacterHead {
  readonly scenes: readonly SceneContent[];
  readonly dialogues: readonly Dialogue[];
  readonly heldOutDialogues: readonly Dialogue[];
  readonly knowledge: readonly KnowledgeQuestion[];
  readonly knowledgeChoices: readonly ChoiceQuestion[];
  readonly personality: readonly string[];
  readonly memorization: readonly string[];
  readonly personalityProfile: string;
}

/** A prompt of Character-GRPO and what its pictures are asked. */
export interface PromptContent {
  readonly prompt: string;
  readonly questions: readonly RewardQuestion[];
}

export const jsonText = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const jsonLines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** What both splits have: scenes, instructions, profile and plain prompts. Questions about pictures are for training only. */
export function sceneFiles(
  { name, profile, ...head }: CharacterHead,
  split: 'train' | 'test',
  scenes: readonly SceneContent[],
): FileTexts {
  const header = headerOf(head);
  const turns = scenes.map((scene, i) => [
    { role: 'user', text: scene.user },
    pictureTurn(scene, i, split === 'train'),
  ]);
  const bare = scenes.map(({ user, reply }, i) => [
    { role: 'user', text: user },
    { role: 'machine', text: reply, image: String(i) },
  ]);
  const rows = scenes.map(({ shortInstruction }, i) => ({
    text: shortInstruction,
    image: `personalized_data/${split}/${name}/${i}.png`,
    character: name,
    scene_id: String(i),
  }));
  return {
    'annotation.json': jsonText({ ...header, scenes: bare }),
    [name + SUFFIX.scenes]: jsonText({ ...header, scenes: turns }),
    [name + SUFFIX.instructions]: jsonText({
      ...header,
      t2i_instructions: scenes.map(({ shortInstruction }, i) => ({
        image_id: String(i),
        t2i_instruction: shortInstruction,
      })),
    }),
    [name + SUFFIX.profile]: profile,
    [`processed/${PROCESSED.instructions.replace('{P}', name)}`]: jsonLines(rows),
  };
}

/** `train/<Name>/` without the pictures. */
export function trainingFiles(content: TrainingContent): FileTexts {
  const { name, scenes, dialogues, heldOutDialogues, knowledge, knowledgeChoices } = content;
  const header = headerOf(content);
  return {
    ...sceneFiles(content, 'train', scenes),
    [name + SUFFIX.dialogues]: jsonText({ ...header, scenes: dialogueTurns(dialogues) }),
    [name + SUFFIX.heldOutDialogues]: jsonText({ ...header, scenes: dialogueTurns(heldOutDialogues) }),
    [name + SUFFIX.knowledge]: jsonText({
      ...header,
      qa_items: knowledge.map(({ question, answer }, i) => ({
        id: `qa_${String(i + 1).padStart(3, '0')}`,
        question,
        answer,
        evidence: 'the profile',
        type: 'fact',
        difficulty: 'easy',
        reasoning_steps: [],
        confidence: 1,
      })),
    }),
    [name + SUFFIX.knowledgeChoices]: jsonText({
      ...header,
      mcq_items: knowledgeChoices.map((choice) => publishedChoice(choice, 'the profile')),
    }),
    [name + SUFFIX.personality]: jsonText({ ...header, test_questions: content.personality }),
    [name + SUFFIX.memorization]: jsonText({ ...header, test_questions: content.memorization }),
    [name + SUFFIX.personalityProfile]: `${content.personalityProfile}\n`,
  };
}

/** Prompts of Character-GRPO, with and without their questions (spec 7.1); `folder` is `<U>`, the name of their folder. */
export function promptFiles(folder: string, prompts: readonly PromptContent[]): FileTexts {
  const rows = prompts.map(({ prompt }, i) => ({
    text: prompt,
    character: folder,
    scene_id: String(i),
    reference_images_path: `dataset/personalized_t2i/${folder}`,
  }));
  const asked = rows.map((row, i) => ({
    ...row,
    vqa_questions: prompts[i]!.questions.map(({ isNegative, ...question }) => ({
      ...question,
      type: question.answer === 'yes' || question.answer === 'no' ? 'yes_no' : 'open',
      is_negative: isNegative,
    })),
  }));
  return {
    [`${folder}_pure_t2i.jsonl`]: jsonLines(rows),
    [`${folder}_pure_t2i_with_vqa.jsonl`]: jsonLines(asked),
  };
}

const headerOf = ({ description, opening }: Pick<CharacterHead, 'description' | 'opening'>) => ({
  description,
  opening,
});

const publishedChoice = ({ id, question, options, answer }: ChoiceQuestion, evidence: string) => ({
  id,
  question,
  options,
  answer_key: answer,
  difficulty: 'easy',
  evidence,
  rationale: options[answer],
});

function pictureTurn(scene: SceneContent, image: number, withQuestions: boolean) {
  const { reply, thinking, instruction, questions, choices } = scene;
  return {
    role: 'machine',
    text: reply,
    image: String(image),
    thinking_process: thinking,
    generation_instruction: instruction,
    ...(withQuestions && {
      qa_pairs: questions.map(({ question, answer, kind }) => ({ question, answer, type: kind })),
      mcq_items: choices.map((choice) => publishedChoice(choice, 'the picture')),
    }),
  };
}

const dialogueTurns = (dialogues: readonly Dialogue[]) =>
  dialogues.map(({ user, reply }) => [
    { role: 'user', text: user },
    { role: 'machine', text: reply },
  ]);
