import type { RgbImage } from '../../image/index.js';
import type { Judges } from '../judges.js';
import { chrf, exactMatchNormalised } from '../metrics/index.js';
import type {
  FinishedTask,
  GeneralPictureTask,
  GeneralQuestionTask,
  GeneralReplyTask,
} from '../tasks/task.js';
import { type Measure, measured } from './measure.js';
import { rightShare } from './pictures.js';
import { markerShare } from './replies.js';

/** What one model did with characters that were described to it. */
export interface GeneralResults {
  readonly pictures: readonly { readonly task: GeneralPictureTask; readonly image: RgbImage }[];
  readonly questions: readonly FinishedTask<GeneralQuestionTask>[];
  readonly replies: readonly FinishedTask<GeneralReplyTask>[];
}

/** One measure of general ability for one model, a value for each task. */
interface Ability {
  readonly name: string;
  readonly title: string;
  readonly note: string;
  readonly values: readonly number[];
}

const OTHERS = 'characters of the toy world that are only described, the same for every run';

/**
 * What is left of the base's abilities: of the model that is evaluated and, where `base` is given, of its base and the change
 * between the two, task by task, so that its interval is that of paired differences.
 */
export async function generalMeasures(
  own: GeneralResults,
  base: GeneralResults | undefined,
  judges: Pick<Judges, 'reader'>,
): Promise<Measure[]> {
  const after = await abilities(own, judges);
  const before = base && (await abilities(base, judges));
  return after.flatMap(({ name, title, note, values }, i) => {
    const own: Measure = {
      name: `general.${name}`,
      title: `General: ${title}`,
      note,
      values,
      better: 'higher',
    };
    const known = before?.[i]?.values;
    if (!known) return measured([own]);
    return measured([
      own,
      {
        ...own,
        name: `${own.name}.base`,
        title: `${own.title}, base`,
        note: `${note}; asked of the base`,
        values: known,
      },
      {
        ...own,
        name: `${own.name}.change`,
        title: `${own.title}, change`,
        note: `${note}; difference to the base, task by task`,
        values: values.map((value, at) => value - known[at]!),
      },
    ]);
  });
}

async function abilities(
  { pictures, questions, replies }: GeneralResults,
  { reader }: Pick<Judges, 'reader'>,
): Promise<Ability[]> {
  const readings = reader && pictures.length > 0 ? await reader.read(pictures.map(({ image }) => image)) : [];
  const shares = (part: 'look' | 'scene') =>
    readings.flatMap((reading, i) => rightShare(reading, pictures[i]!.task.shows, part) ?? []);
  return [
    {
      name: 'look',
      title: 'look of described characters',
      note: `share of look attributes that the attribute reader finds in pictures of ${OTHERS}`,
      values: shares('look'),
    },
    {
      name: 'scene',
      title: 'scenes of described characters',
      note: `share of scene attributes that the attribute reader finds in pictures of ${OTHERS}`,
      values: shares('scene'),
    },
    {
      name: 'vqa',
      title: 'questions about their pictures',
      note: `exact answers to open questions about pictures of ${OTHERS}`,
      values: questions.map(({ task, result }) =>
        exactMatchNormalised({ hypothesis: result.text!, reference: task.gold }),
      ),
    },
    {
      name: 'style',
      title: 'talking in described styles',
      note: `share of the opening words and the form of address in replies of ${OTHERS}`,
      values: replies.map(({ task, result }) => markerShare(result.text!, task.style)),
    },
    {
      name: 'reference',
      title: 'replies near those of the world (chrF)',
      note: `chrF2 against what the toy world lets them say; ${OTHERS}`,
      values: replies.map(({ task, result }) =>
        chrf([{ hypothesis: result.text!, reference: task.reference }]),
      ),
    },
  ];
}
