import Type, { type Static } from 'typebox';
import type { Character } from '../../data/index.js';
import { type Question, question } from '../../endpoint/index.js';
import { KeyedRandom } from '../../random/keyed-random.js';
import type { FinishedTask, ReplyTask } from '../tasks/task.js';
import { about, criteriaText, type Rubric } from './rubric.js';

/** Random stream of which of two replies is shown first. */
const STREAM = 405;
/** Tokens of a usual verdict, for estimates. */
const ANSWER_TOKENS = 120;

const strict = { additionalProperties: false };
const Reason = Type.String({ minLength: 1 });
const Scored = Type.Object(
  { reason: Reason, score: Type.Integer({ minimum: 1, maximum: 5, description: 'from 1 to 5' }) },
  strict,
);
const Compared = Type.Object({ reason: Reason, better: Type.Enum(['first', 'second', 'equal']) }, strict);

/** Scores of one reply by the names of the criteria. */
export type Scores = Readonly<Record<string, Static<typeof Scored>>>;

/** What is asked about one reply. */
export interface JudgeQuestions {
  readonly task: string;
  readonly own: Question<Scores>;
  /** The same of the data's own reply to the same words, and which of the two is better. */
  readonly reference?: Question<Scores>;
  readonly compare?: Question<Static<typeof Compared>>;
  /** Whether the reply that is judged stands first in the comparison. */
  readonly ownFirst: boolean;
}

/** Questions about every reply; where the data have a reply of their own, that is judged and compared, too. */
export function judgeQuestions(
  finished: readonly FinishedTask<ReplyTask>[],
  character: Character,
  rubric: Rubric,
  seed: number,
): JudgeQuestions[] {
  const { name } = character;
  const who = { name, profile: profileOf(character) };
  const system = about(rubric.system, who);
  const schema = Type.Object(
    Object.fromEntries(rubric.criteria.map(({ name: criterion }) => [criterion, Scored])),
    strict,
  );
  const criteria = about(criteriaText(rubric), who);
  const scoring = (id: string, user: string, reply: string): Question<Scores> => ({
    id,
    system,
    text: `Somebody says to ${name}:\n${user}\n\n${name} replies:\n${reply}\n\nScore the reply:\n${criteria}`,
    images: [],
    schema,
    answerTokens: ANSWER_TOKENS,
  });
  return finished.map(({ task, result }, index) => {
    const { id, user, reference } = task;
    const reply = result.text!;
    const ownFirst = new KeyedRandom(seed, STREAM, [index]).integer(2) === 0;
    const own = scoring(id, user, reply);
    if (reference === undefined) return { task: id, own, ownFirst };
    const [first, second] = ownFirst ? [reply, reference] : [reference, reply];
    const compare = question({
      id: `${id}-compare`,
      system,
      text:
        `Somebody says to ${name}:\n${user}\n\nFirst reply:\n${first}\n\nSecond reply:\n${second}\n\n` +
        `${about(rubric.compare, who)}\n${criteria}`,
      images: [],
      schema: Compared,
      answerTokens: ANSWER_TOKENS,
    });
    return { task: id, own, reference: scoring(`${id}-reference`, user, reference), compare, ownFirst };
  });
}

/** Everything that the data say about a character in free text. */
function profileOf({ description, profile, personalityProfile }: Character): string {
  const parts = [description, profile, personalityProfile].flatMap((part) => part?.trim() || []);
  return [...new Set(parts)].join('\n\n');
}
