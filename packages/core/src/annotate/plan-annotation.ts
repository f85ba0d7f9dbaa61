import type { ImageRef } from '../data/character.js';
import { type Question, question } from '../endpoint/index.js';
import * as shapes from './answer-shapes.js';
import {
  DIALOGUE_THEMES,
  HELD_OUT_THEME,
  KNOWLEDGE_THEMES,
  PROMPT_THEMES,
  type PromptName,
} from './default-prompts.js';
import type { AnnotationProfile } from './profile.js';
import { filled, type Prompts } from './prompt-files.js';

/** How much is written. */
export interface AnnotationSizes {
  readonly dialogues: number;
  readonly heldOutDialogues: number;
  readonly knowledge: number;
  readonly knowledgeChoices: number;
  readonly questionsPerPicture: number;
  readonly choicesPerPicture: number;
  readonly personality: number;
  readonly memorization: number;
  /** Prompts of Character-GRPO. */
  readonly prompts: number;
}

/** As in RoleScape-20 (spec 8.2). */
export const ROLESCAPE_SIZES: AnnotationSizes = {
  dialogues: 180,
  heldOutDialogues: 20,
  knowledge: 100,
  knowledgeChoices: 10,
  questionsPerPicture: 20,
  choicesPerPicture: 5,
  personality: 20,
  memorization: 20,
  prompts: 32,
};

/** Entries per request: enough to vary, few enough to come back whole. */
const BATCH = { dialogues: 20, knowledge: 25, prompts: 8 } as const;
/** Pictures that show a model who the character is. */
const SHOWN = 3;
/** Exchanges of the profile that show how it talks. */
const EXAMPLES = 8;
/** Tokens of one entry of an answer, for estimates. */
const TOKENS = { scene: 350, text: 150, exchange: 70, pair: 40, choice: 70, line: 30, prompt: 320 } as const;

/** What is annotated. */
export interface AnnotationInput {
  readonly profile: AnnotationProfile;
  readonly pictures: readonly ImageRef[];
  /** Pictures that are never trained on. */
  readonly testPictures: readonly ImageRef[];
  readonly sizes: AnnotationSizes;
}

/** Everything that is asked about a character, in order. */
export interface AnnotationPlan {
  /** Absent when the profile has a description and an opening of its own. */
  readonly description?: ReturnType<Asker['description']>;
  readonly scenes: readonly ReturnType<Asker['scene']>[];
  readonly testScenes: readonly ReturnType<Asker['scene']>[];
  readonly pictureQuestions: readonly ReturnType<Asker['pictureQuestions']>[];
  readonly dialogues: readonly ReturnType<Asker['dialogues']>[];
  readonly heldOutDialogues: readonly ReturnType<Asker['dialogues']>[];
  readonly knowledge: readonly ReturnType<Asker['knowledge']>[];
  readonly choices: readonly ReturnType<Asker['choices']>[];
  readonly tests: ReturnType<Asker['tests']>;
  readonly personality: ReturnType<Asker['personality']>;
  readonly prompts: readonly ReturnType<Asker['prompts']>[];
}

/** @throws DataError for a prompt with an unknown gap */
export function planAnnotation(
  { profile, pictures, testPictures, sizes }: AnnotationInput,
  prompts: Prompts,
): AnnotationPlan {
  const asker = new Asker(profile, pictures, prompts);
  const known = profile.description !== undefined && profile.opening !== undefined;
  return {
    ...(known ? {} : { description: asker.description() }),
    scenes: pictures.map((picture) => asker.scene('scene', picture)),
    testScenes: testPictures.map((picture) => asker.scene('test-scene', picture)),
    pictureQuestions: pictures.map((picture) =>
      asker.pictureQuestions(picture, sizes.questionsPerPicture, sizes.choicesPerPicture),
    ),
    dialogues: batches(sizes.dialogues, BATCH.dialogues, DIALOGUE_THEMES).map((batch) =>
      asker.dialogues('dialogues', batch),
    ),
    heldOutDialogues: batches(sizes.heldOutDialogues, BATCH.dialogues, [HELD_OUT_THEME]).map((batch) =>
      asker.dialogues('held-out-dialogues', batch),
    ),
    knowledge: batches(sizes.knowledge, BATCH.knowledge, KNOWLEDGE_THEMES).map((batch) =>
      asker.knowledge(batch),
    ),
    choices: sizes.knowledgeChoices > 0 ? [asker.choices(sizes.knowledgeChoices)] : [],
    tests: asker.tests(sizes.personality, sizes.memorization),
    personality: asker.personality(),
    prompts: batches(sizes.prompts, BATCH.prompts, PROMPT_THEMES).map((batch) => asker.prompts(batch)),
  };
}

/** All questions of a plan. */
export const questionsOf = (plan: AnnotationPlan): Question[] =>
  (Object.values(plan) as (Question | Question[])[]).flat();

interface Batch {
  readonly number: number;
  readonly count: number;
  readonly theme: string;
}

/** `total` entries in batches; when the themes are through, they begin again, with other entries asked for. */
function batches(total: number, size: number, themes: readonly string[]): Batch[] {
  const count = Math.ceil(total / size);
  return Array.from({ length: count }, (_, i) => {
    const round = Math.floor(i / themes.length);
    const again = round === 0 ? '' : ` (part ${round + 1}: not what comes to mind first)`;
    return {
      number: i + 1,
      count: Math.min(size, total - i * size),
      theme: `${themes[i % themes.length]}${again}`,
    };
  });
}

/** Puts questions about one character. */
class Asker {
  readonly #common: Readonly<Record<string, string>>;
  readonly #shown: readonly string[];
  readonly #system: string;

  constructor(
    private readonly profile: AnnotationProfile,
    pictures: readonly ImageRef[],
    private readonly texts: Prompts,
  ) {
    this.#common = { name: profile.name };
    this.#shown = pictures.slice(0, SHOWN).map(({ path }) => path);
    this.#system = filled(texts, 'system', {
      ...this.#common,
      profile: profile.text,
      examples: examplesOf(profile),
    });
  }

  description() {
    return question({
      ...this.#ask('description', 'description', {}, this.#shown),
      schema: shapes.Description,
      answerTokens: TOKENS.text,
    });
  }

  scene(name: string, { id, path }: ImageRef) {
    return question({
      ...this.#ask('scene', `${name}-${fileName(id)}`, {}, [path]),
      schema: shapes.Scene,
      check: ({ instruction, short_instruction }) =>
        Object.entries({ instruction, short_instruction }).flatMap(([field, text]) =>
          text.includes(this.profile.name) ? [] : [`/${field} has to use the name ${this.profile.name}`],
        ),
      answerTokens: TOKENS.scene,
    });
  }

  pictureQuestions({ id, path }: ImageRef, questions: number, choices: number) {
    return question({
      ...this.#ask('picture_questions', `questions-${fileName(id)}`, { questions, choices }, [path]),
      schema: shapes.pictureQuestions(questions, choices),
      check: (answer) => shapes.choiceProblems(answer.choices),
      answerTokens: questions * TOKENS.pair + choices * TOKENS.choice,
    });
  }

  dialogues(name: string, { number, count, theme }: Batch) {
    return question({
      ...this.#ask('dialogues', `${name}-${number}`, { count, theme: this.#named(theme) }),
      schema: shapes.dialogues(count),
      answerTokens: count * TOKENS.exchange,
    });
  }

  knowledge({ number, count, theme }: Batch) {
    return question({
      ...this.#ask('knowledge', `knowledge-${number}`, { count, theme: this.#named(theme) }),
      schema: shapes.knowledge(count),
      answerTokens: count * TOKENS.pair,
    });
  }

  choices(count: number) {
    return question({
      ...this.#ask('choices', 'knowledge-choices', { count }),
      schema: shapes.choices(count),
      check: (answer) => shapes.choiceProblems(answer.choices),
      answerTokens: count * TOKENS.choice,
    });
  }

  tests(personality: number, memorization: number) {
    return question({
      ...this.#ask('tests', 'tests', { personality, memorization }),
      schema: shapes.tests(personality, memorization),
      answerTokens: (personality + memorization) * TOKENS.line,
    });
  }

  personality() {
    return question({
      ...this.#ask('personality', 'personality', {}),
      schema: shapes.Personality,
      answerTokens: TOKENS.text,
    });
  }

  prompts({ number, count, theme }: Batch) {
    return question({
      ...this.#ask('prompts', `prompts-${number}`, { count, theme }, this.#shown),
      schema: shapes.prompts(count),
      check: (answer) =>
        answer.prompts.flatMap(({ prompt }) =>
          prompt.includes(this.profile.name) ? [] : [`"${prompt}" has to use the name ${this.profile.name}`],
        ),
      answerTokens: count * TOKENS.prompt,
    });
  }

  #ask(
    prompt: PromptName,
    id: string,
    values: Readonly<Record<string, string | number>>,
    images: readonly string[] = [],
  ) {
    const text = filled(this.texts, prompt, { ...this.#common, ...values });
    return { id, system: this.#system, text, images };
  }

  #named(theme: string): string {
    return theme.replaceAll('{name}', () => this.profile.name);
  }
}

function examplesOf({ dialogues }: AnnotationProfile): string {
  const lines = dialogues.slice(0, EXAMPLES).map(({ user, reply }) => `- "${user}" - "${reply}"`);
  return lines.length > 0 ? lines.join('\n') : 'as the profile says';
}

/** The id of a picture as a part of a file name. */
const fileName = (id: string): string => encodeURIComponent(id);
