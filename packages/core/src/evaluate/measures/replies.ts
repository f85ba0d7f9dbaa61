import type { PersonaClassifier } from '../../reward/index.js';
import { chrf, distinctN, words } from '../metrics/index.js';
import type { FinishedTask, ReplyTask, RolePlayTask } from '../tasks/task.js';
import type { ToyTruth } from '../toy-truth.js';
import { type Measure, meanOf, measured } from './measure.js';

export interface ReplyContext {
  readonly name: string;
  /** Tells the characters of the data set apart; undefined when there is only one. */
  readonly classifier: PersonaClassifier | undefined;
  readonly style: ToyTruth['style'] | undefined;
}

/** Who speaks, how, and how near to the data's own replies. */
export function replyMeasures(
  finished: readonly FinishedTask<ReplyTask | RolePlayTask>[],
  { name, classifier, style }: ReplyContext,
): Measure[] {
  const replies = finished.map(({ result }) => result.text!);
  const referenced = finished.flatMap(({ task, result }) =>
    task.kind === 'reply' && task.reference !== undefined
      ? [{ hypothesis: result.text!, reference: task.reference }]
      : [],
  );
  const references = referenced.map(({ reference }) => reference);
  const recognised = (text: string) => Number(classifier && likeliest(classifier, text) === name);
  const marked = (text: string) => (style ? markerShare(text, style) : 0);
  const ceilingOf = (f: (text: string) => number) =>
    references.length > 0 ? { ceiling: meanOf(references.map(f)) } : {};
  return measured([
    {
      name: 'replies.recognised',
      title: 'Persona and style: recognised',
      note: `a classifier of lines picks ${name} among the ${classifier?.characters.length ?? 0} characters of the data set`,
      values: classifier ? replies.map(recognised) : [],
      ...(classifier ? ceilingOf(recognised) : {}),
      better: 'higher',
    },
    {
      name: 'replies.markers',
      title: 'Style markers',
      note: 'share of the opening words and the form of address that a reply has',
      values: style ? replies.map(marked) : [],
      ...(style ? ceilingOf(marked) : {}),
      better: 'higher',
    },
    {
      name: 'replies.reference',
      title: 'Near the data’s replies (chrF)',
      note: 'chrF2 against the held-out reply to the same words; many other replies are as good',
      values: referenced.map((pair) => chrf([pair])),
      better: 'higher',
    },
    {
      name: 'replies.distinct2',
      title: 'Varied wording (distinct-2)',
      note: 'different pairs of words over all pairs, of all replies together',
      values: replies.length > 0 ? [distinctN(replies, 2)] : [],
      ...(references.length > 0 ? { ceiling: distinctN(references, 2) } : {}),
      better: 'neither',
    },
  ]);
}

function likeliest(classifier: PersonaClassifier, text: string): string {
  const probabilities = classifier.probabilities(text);
  return classifier.characters[probabilities.indexOf(Math.max(...probabilities))]!;
}

/** Share of the words that mark a style which a reply has: how it begins, and what people are called. */
export function markerShare(
  text: string,
  { opener, address }: Pick<ToyTruth['style'], 'opener' | 'address'>,
): number {
  const spoken = (of: string) => ` ${words(of).join(' ')} `;
  const said = spoken(text);
  return (Number(said.startsWith(spoken(opener))) + Number(said.includes(spoken(address)))) / 2;
}
