import Type, { type Static } from 'typebox';

/** Shapes of the answers, as they are asked for, checked and stored. Lists may be a little shorter than asked for. */

const strict = { additionalProperties: false };
const Text = Type.String({ minLength: 1, pattern: '\\S' });

/** Of what was asked for, at least that share has to come. */
const ENOUGH = 0.7;
const list = <T extends Parameters<typeof Type.Array>[0]>(entry: T, count: number) =>
  Type.Array(entry, { minItems: Math.ceil(count * ENOUGH) });

export const Description = Type.Object({ description: Text, opening: Text }, strict);

export const Scene = Type.Object(
  { user: Text, reply: Text, thinking: Text, instruction: Text, short_instruction: Text },
  strict,
);

export const Choice = Type.Object(
  { question: Text, correct: Text, wrong: Type.Array(Text, { minItems: 3, maxItems: 3 }) },
  strict,
);

const Pair = Type.Object({ question: Text, answer: Text }, strict);
const VisualPair = Type.Object(
  { question: Text, answer: Text, kind: Type.Enum(['objective', 'subjective']) },
  strict,
);
const Exchange = Type.Object({ user: Text, reply: Text }, strict);

export const pictureQuestions = (questions: number, choices: number) =>
  Type.Object({ questions: list(VisualPair, questions), choices: list(Choice, choices) }, strict);
export const dialogues = (count: number) => Type.Object({ dialogues: list(Exchange, count) }, strict);
export const knowledge = (count: number) => Type.Object({ questions: list(Pair, count) }, strict);
export const choices = (count: number) => Type.Object({ choices: list(Choice, count) }, strict);
export const tests = (personality: number, memorization: number) =>
  Type.Object({ personality: list(Text, personality), memorization: list(Text, memorization) }, strict);
export const Personality = Type.Object({ summary: Text }, strict);

const WeightedQuestion = Type.Object(
  {
    question: Text,
    answer: Text,
    weight: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
    category: Type.Enum(['identity', 'pose', 'expression', 'object', 'place', 'light', 'view']),
  },
  strict,
);
export const prompts = (count: number) =>
  Type.Object(
    {
      prompts: list(
        Type.Object({ prompt: Text, questions: Type.Array(WeightedQuestion, { minItems: 3 }) }, strict),
        count,
      ),
    },
    strict,
  );

export type ChoiceAnswer = Static<typeof Choice>;
export type SceneAnswer = Static<typeof Scene>;

/** A question whose options are not all different. */
export const choiceProblems = (items: readonly ChoiceAnswer[]): string[] =>
  items.flatMap(({ question, correct, wrong }) =>
    new Set([correct, ...wrong].map((text) => text.trim().toLowerCase())).size === 4
      ? []
      : [`the four answers to "${question}" are not all different`],
  );
