import { exactMatchNormalised, isChoiceCorrect } from '../metrics/index.js';
import type { FinishedTask, QuestionTask } from '../tasks/task.js';
import { type Measure, measured } from './measure.js';

const TITLES = { knowledge: 'Knowledge', vqa: 'Questions about pictures' } as const;

/** Shares of right answers: open questions by exact match and by the option that an answer names, listed ones by choice. */
export function answerMeasures(finished: readonly FinishedTask<QuestionTask>[]): Measure[] {
  return (['knowledge', 'vqa'] as const).flatMap((family) => {
    const own = finished.filter(({ task }) => task.family === family);
    const open = own.filter(({ task }) => !task.listed);
    const listed = own.filter(({ task }) => task.listed);
    const share = (name: string, title: string, note: string, values: readonly number[]): Measure => ({
      name: `${family}.${name}`,
      title: `${TITLES[family]}: ${title}`,
      note,
      values,
      better: 'higher',
    });
    return measured([
      share(
        'exact',
        'exact',
        'open questions in unseen wording; the answer equals the gold answer without case, articles and punctuation',
        open.map(({ task, result }) =>
          exactMatchNormalised({ hypothesis: result.text!, reference: task.gold }),
        ),
      ),
      share(
        'named',
        'right option named',
        'open questions; of the options, unseen by the model, the answer names the right one only',
        open.filter(({ task }) => task.options).map(isChosen),
      ),
      share(
        'choice',
        'multiple choice',
        'options listed in random order below the question; chance is one in four',
        listed.map(isChosen),
      ),
    ]);
  });
}

function isChosen({ task: { options, gold }, result }: FinishedTask<QuestionTask>): number {
  return Number(isChoiceCorrect(result.text!, options!, gold));
}
