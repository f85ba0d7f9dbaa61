/** A toy character as the files of a RoleScape-20 folder (spec 8.3, 8.4). */
import type { ChoiceQuestion, Dialogue } from '../character.js';
import { PROCESSED, SUFFIX } from '../rolescape/folder.js';
import { visibleLook, visibleScene } from './attributes.js';
import { styleWords } from './text/speech.js';
import { lookWords } from './text/words.js';
import type { IllustratedScene, ToyCharacter } from './toy-character.js';

/** Ground truth beside the published files: what every picture shows. Read by the evaluation, ignored by training. */
export const TRUTH_FILE = 'toy_world.json';

/** Text files by name, relative to the character's folder. */
export type FileTexts = Record<string, string>;

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const jsonLines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const publishedChoice = ({ id, question, options, answer }: ChoiceQuestion, evidence: string) => ({
  id,
  question,
  options,
  answer_key: answer,
  difficulty: 'easy',
  evidence,
  rationale: options[answer],
});

function pictureTurn(illustrated: IllustratedScene, image: number, withQuestions: boolean) {
  const { words, questions, impressions, choices } = illustrated;
  return {
    role: 'machine',
    text: words.reply,
    image: String(image),
    thinking_process: words.thinking,
    generation_instruction: words.instruction,
    ...(withQuestions && {
      qa_pairs: [
        ...questions.map(({ question, answer }) => ({ question, answer, type: 'objective' })),
        ...impressions.map((pair) => ({ ...pair, type: 'subjective' })),
      ],
      mcq_items: choices.map((choice) => publishedChoice(choice, 'the picture')),
    }),
  };
}

const dialogueTurns = (dialogues: readonly Dialogue[]) =>
  dialogues.map(({ user, reply }) => [
    { role: 'user', text: user },
    { role: 'machine', text: reply },
  ]);

/** What both splits have: scenes, instructions, profile, plain prompts and ground truth. */
function sceneFiles(
  character: ToyCharacter,
  split: 'train' | 'test',
  illustrated: readonly IllustratedScene[],
): FileTexts {
  const { persona, description, look } = character;
  const { name } = persona;
  const header = { description, opening: '' };
  const turns = illustrated.map((one, i) => [
    { role: 'user', text: one.words.user },
    pictureTurn(one, i, split === 'train'),
  ]);
  const bare = illustrated.map(({ words }, i) => [
    { role: 'user', text: words.user },
    { role: 'machine', text: words.reply, image: String(i) },
  ]);
  const rows = illustrated.map(({ shortInstruction }, i) => ({
    text: shortInstruction,
    image: `personalized_data/${split}/${name}/${i}.png`,
    character: name,
    scene_id: String(i),
  }));
  return {
    'annotation.json': json({ ...header, scenes: bare }),
    [name + SUFFIX.scenes]: json({ ...header, scenes: turns }),
    [name + SUFFIX.instructions]: json({
      ...header,
      t2i_instructions: illustrated.map(({ shortInstruction }, i) => ({
        image_id: String(i),
        t2i_instruction: shortInstruction,
      })),
    }),
    [name + SUFFIX.profile]: profile(character),
    [`processed/${PROCESSED.instructions.replace('{P}', name)}`]: jsonLines(rows),
    [TRUTH_FILE]: json({
      look: visibleLook(look),
      style: persona.style,
      scenes: illustrated.map(({ scene }) => visibleScene(scene)),
    }),
  };
}

/** `train/<Name>/` without the pictures. */
export function trainFiles(character: ToyCharacter): FileTexts {
  const { persona, description } = character;
  const { name } = persona;
  const header = { description, opening: '' };
  return {
    ...sceneFiles(character, 'train', character.train),
    [name + SUFFIX.dialogues]: json({ ...header, scenes: dialogueTurns(character.dialogues) }),
    [name + SUFFIX.heldOutDialogues]: json({ ...header, scenes: dialogueTurns(character.heldOutDialogues) }),
    [name + SUFFIX.knowledge]: json({
      ...header,
      qa_items: character.knowledge.map((qa, i) => ({
        id: `qa_${String(i + 1).padStart(3, '0')}`,
        ...qa,
        evidence: 'the profile',
        type: 'fact',
        difficulty: 'easy',
        reasoning_steps: [],
        confidence: 1,
      })),
    }),
    [name + SUFFIX.knowledgeChoices]: json({
      ...header,
      mcq_items: character.knowledgeChoices.map((choice) => publishedChoice(choice, 'the profile')),
    }),
    [name + SUFFIX.personality]: json({ ...header, test_questions: personalityQuestions(name) }),
    [name + SUFFIX.memorization]: json({
      ...header,
      test_questions: character.heldOutDialogues.map(({ user }) => user),
    }),
    [name + SUFFIX.personalityProfile]: `${styleWords(persona)}\n`,
  };
}

/** `test/<Name>/` without the pictures. */
export function testFiles(character: ToyCharacter): FileTexts {
  return sceneFiles(character, 'test', character.test);
}

/** `flow_grpo/dataset/personalized_t2i/<Name>/`: prompts of Character-GRPO with and without questions. */
export function grpoFiles({ persona: { name }, prompts }: ToyCharacter): FileTexts {
  const rows = prompts.map(({ prompt }, i) => ({
    text: prompt,
    character: name,
    scene_id: String(i),
    reference_images_path: `dataset/personalized_t2i/${name}`,
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
    [`${name}_pure_t2i.jsonl`]: jsonLines(rows),
    [`${name}_pure_t2i_with_vqa.jsonl`]: jsonLines(asked),
    [TRUTH_FILE]: json({ scenes: prompts.map(({ scene }) => visibleScene(scene)) }),
  };
}

function profile({ persona, look, description }: ToyCharacter): string {
  const { name, age, home, work, food, hobby, dislike, friend, dream, fear, treasure, season, month } =
    persona;
  return [
    `# ${name}`,
    '',
    description,
    '',
    `- **Looks:** ${lookWords(look)}`,
    `- **Age and birthday:** ${age}, born in ${month}`,
    `- **Home and work:** ${home}; ${work}`,
    `- **Likes:** ${food}, ${hobby}, ${season}`,
    `- **Dislikes and fears:** ${dislike}, ${fear}`,
    `- **Best friend:** ${friend}`,
    `- **Dream and treasure:** ${dream}; ${treasure}`,
    `- **Speech:** ${styleWords(persona)}`,
    '',
  ].join('\n');
}

function personalityQuestions(name: string): string[] {
  return [
    `${name}, somebody took your treasure. What do you do?`,
    'A stranger knocks at your door late at night.',
    'You have won a prize. What do you say?',
    'Your friend is ill and cannot come.',
    'We have run out of your favourite food.',
    'Somebody calls you a liar.',
    'It is the first day of your favourite season.',
    'A child asks you for a bedtime story.',
    'You are asked to give a speech.',
    'Your work went wrong today.',
    'You meet your greatest fear on the road.',
    'Tell a newcomer about your home.',
    'You hear that a visitor is coming tomorrow.',
    'Somebody praises your work.',
    'You have to say goodbye for a year.',
  ];
}
