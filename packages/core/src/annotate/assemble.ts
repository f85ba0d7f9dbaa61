import type { ChoiceQuestion } from '../data/character.js';
import { normalised } from '../data/inspect/finding.js';
import type {
  CharacterHead,
  PromptContent,
  SceneContent,
  TrainingContent,
} from '../data/rolescape/character-files.js';
import { type Answers, answerTo } from '../endpoint/index.js';
import { KeyedRandom, streams } from '../random/keyed-random.js';
import type { ChoiceAnswer, SceneAnswer } from './answer-shapes.js';
import type { AnnotationPlan } from './plan-annotation.js';
import type { AnnotationProfile } from './profile.js';

/** What the answers become. */
export interface Annotated {
  readonly training: TrainingContent;
  readonly testScenes: readonly SceneContent[];
  readonly prompts: readonly PromptContent[];
  /** What was left out because it is there already, as sentences. */
  readonly dropped: readonly string[];
}

/** Puts the answers together. Own texts of the profile come first; what repeats something earlier is left out. */
export function assemble(
  profile: AnnotationProfile,
  plan: AnnotationPlan,
  answers: Pick<Answers, 'byId'>,
): Annotated {
  const written = plan.description && answerTo(answers, plan.description);
  const head: CharacterHead = {
    name: profile.name,
    description: profile.description ?? written?.description ?? '',
    opening: profile.opening ?? written?.opening ?? '',
    profile: `${profile.text}\n`,
  };
  const dropped: string[] = [];
  const once = new Once(dropped);
  const heldOut = plan.heldOutDialogues.flatMap((asked) => answerTo(answers, asked).dialogues);
  const dialogues = [
    ...profile.dialogues,
    ...plan.dialogues.flatMap((asked) => answerTo(answers, asked).dialogues),
  ];
  const knowledge = [
    ...profile.knowledge,
    ...plan.knowledge.flatMap((asked) => answerTo(answers, asked).questions),
  ];
  const tests = answerTo(answers, plan.tests);
  return {
    training: {
      ...head,
      scenes: plan.scenes.map((asked, i) => {
        const { questions, choices } = answerTo(answers, plan.pictureQuestions[i]!);
        return {
          ...sceneOf(answerTo(answers, asked)),
          questions: once.of(`questions about picture ${i}`, questions, ({ question }) => question),
          choices: choices.map((choice, c) => withLetters(choice, i + 1, c)),
        };
      }),
      dialogues: once.of('dialogues', dialogues, ({ user }) => user, heldOut),
      heldOutDialogues: once.of('held-out dialogues', heldOut, ({ user }) => user),
      knowledge: once.of('knowledge questions', knowledge, ({ question }) => question),
      knowledgeChoices: plan.choices.flatMap((asked) =>
        answerTo(answers, asked).choices.map((choice, c) => withLetters(choice, 0, c)),
      ),
      personality: tests.personality,
      memorization: tests.memorization,
      personalityProfile: answerTo(answers, plan.personality).summary,
    },
    testScenes: plan.testScenes.map((asked) => ({
      ...sceneOf(answerTo(answers, asked)),
      questions: [],
      choices: [],
    })),
    prompts: once.of(
      'prompts',
      plan.prompts.flatMap((asked) => answerTo(answers, asked).prompts.map(promptOf)),
      ({ prompt }) => prompt,
    ),
    dropped,
  };
}

/** Leaves out what repeats something, and notes it. */
class Once {
  constructor(private readonly dropped: string[]) {}

  /** @param taken entries that none may repeat, such as those that are held out */
  of<T>(what: string, entries: readonly T[], key: (entry: T) => string, taken: readonly T[] = []): T[] {
    const seen = new Set(taken.map((entry) => normalised(key(entry))));
    const kept = entries.filter((entry) => {
      const text = normalised(key(entry));
      const isNew = !seen.has(text);
      seen.add(text);
      return isNew;
    });
    const count = entries.length - kept.length;
    if (count > 0) this.dropped.push(`${count} of ${entries.length} ${what} repeat others`);
    return kept;
  }
}

const sceneOf = ({ short_instruction: shortInstruction, ...scene }: SceneAnswer) => ({
  ...scene,
  shortInstruction,
});

const LETTERS = ['A', 'B', 'C', 'D'] as const;

/** Options in random order under letters: models put the right answer into the same place too often. */
function withLetters(
  { question, correct, wrong }: ChoiceAnswer,
  group: number,
  index: number,
): ChoiceQuestion {
  const order = new KeyedRandom(0, streams.annotationOptions, [group, index]).permutation(LETTERS.length);
  const texts = [correct, ...wrong];
  return {
    id: String(index + 1),
    question,
    options: Object.fromEntries(LETTERS.map((letter, place) => [letter, texts[order[place]!]!])),
    answer: LETTERS[order.indexOf(0)]!,
  };
}

interface PromptAnswer {
  readonly prompt: string;
  readonly questions: readonly { question: string; answer: string; weight: number; category: string }[];
}

function promptOf({ prompt, questions }: PromptAnswer): PromptContent {
  return {
    prompt,
    questions: questions.map(({ answer, ...asked }) => {
      const plain = answer.trim().replace(/[.!]$/, '');
      const said = /^(yes|no)$/i.test(plain) ? plain.toLowerCase() : plain;
      return { ...asked, answer: said, isNegative: said === 'no' };
    }),
  };
}
