import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Html, html } from '../../run/html.js';
import { reportStyle } from '../../run/report-style.js';
import type { Evaluation, Score } from '../evaluation.js';
import type { Judgement } from '../language-judge/judge-replies.js';
import { summarise } from '../summary.js';
import {
  type FinishedTask,
  ofKind,
  type PictureTask,
  type QuestionTask,
  type ReplyTask,
  type RolePlayTask,
} from '../tasks/task.js';
import { describeScope, figure, intervalText } from './markdown.js';

/** Questions shown per family; all stand in `evaluation.json`. */
const SHOWN_QUESTIONS = 24;
const SHOWN_REPLIES = 16;

/** The evaluation on one page without scripts or outside files: scores, pictures beside their prompts, replies, answers. */
export function htmlReport(evaluations: readonly Evaluation[]): string {
  const names = evaluations.map(({ character }) => character).join(', ');
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${names} · evaluation</title><style>${new Html(reportStyle)}</style></head><body><main>
<h1>${names}</h1><p class="soft">${describeScope(evaluations)}.</p>
<h2>Scores</h2>${scoreTable(summarise(evaluations))}
${evaluations.map((evaluation) => details(evaluation, evaluations.length > 1))}
</main></body></html>
`.text;
}

function scoreTable(scores: readonly Score[]): Html {
  return html`<div class="scroll"><table><tr><th>measure</th><th>mean</th><th>95 % interval</th><th>n</th><th>real</th></tr>${scores.map(
    (score) => html`<tr><td>${score.title}<br><small>${score.note}</small></td><td>${figure(score.mean)}</td>
<td>${intervalText(score)}</td><td>${score.n}</td><td>${score.ceiling === undefined ? '' : figure(score.ceiling)}</td></tr>`,
  )}</table></div>`;
}

function details(evaluation: Evaluation, withScores: boolean): Html {
  const { character, run, finished } = evaluation;
  return html`${withScores ? html`<h2>${character}</h2><p class="soft">${run}</p>${scoreTable(evaluation.scores)}` : html``}
${gallery(evaluation, ofKind(finished, 'picture'))}
${turns(evaluation, ofKind(finished, 'role_play'))}
${replies(evaluation, ofKind(finished, 'reply'))}
${answers(ofKind(finished, 'question'))}
${general(evaluation)}`;
}

/** Pictures and replies of described characters, beside those of the base. */
function general(evaluation: Evaluation): Html {
  const { finished, base } = evaluation;
  const pictures = ofKind(finished, 'general_picture');
  const replies = ofKind(finished, 'general_reply');
  if (pictures.length + replies.length === 0) return html``;
  const ofBase = ({ task }: FinishedTask) => base?.finished.find((one) => one.task.id === task.id)?.result;
  const shown = (of: Pick<Evaluation, 'folder'> | undefined, path: string | undefined, words: string) =>
    of && path ? picture(of, path, words) : html``;
  return html`<h2>Other characters, only described</h2><div class="scroll"><table>
<tr><th></th><th>base</th><th>this model</th></tr>
${pictures.map(
  (one) => html`<tr><td style="width: 36%">${one.task.prompt}</td>
<td>${shown(base, ofBase(one)?.picture, one.task.prompt)}</td>
<td>${picture(evaluation, one.result.picture!, one.task.prompt)}</td></tr>`,
)}
${replies.map(
  (one) => html`<tr><td><small>${one.task.character.description}</small><br>${one.task.user}</td>
<td>${ofBase(one)?.text ?? ''}</td><td>${one.result.text!}</td></tr>`,
)}</table></div>`;
}

function picture({ folder }: Pick<Evaluation, 'folder'>, path: string, words: string): Html {
  const data = readFileSync(join(folder, path)).toString('base64');
  return html`<img src="data:image/png;base64,${data}" alt="${words}" title="${words}">`;
}

function gallery(evaluation: Evaluation, finished: readonly FinishedTask<PictureTask>[]): Html {
  if (finished.length === 0) return html``;
  const prompts = [...new Set(finished.map(({ task }) => task.prompt))];
  return html`<h2>Pictures</h2><div class="scroll"><table>${prompts.map(
    (prompt) =>
      html`<tr><td style="width: 36%">${prompt}</td><td><div class="pictures">${finished
        .filter(({ task }) => task.prompt === prompt)
        .map(({ task, result }) =>
          picture(evaluation, result.picture!, `${prompt} (seed ${task.seed})`),
        )}</div></td></tr>`,
  )}</table></div>`;
}

function turns(evaluation: Evaluation, finished: readonly FinishedTask<RolePlayTask>[]): Html {
  if (finished.length === 0) return html``;
  return html`<h2>Replies with pictures</h2><div class="scroll"><table>${finished.map(
    ({ task, result }) => html`<tr><td>${picture(evaluation, result.picture!, result.text!)}</td>
<td><small>${task.user}</small><br>${result.text!}</td></tr>`,
  )}</table></div>`;
}

function replies({ judgements }: Evaluation, finished: readonly FinishedTask<ReplyTask>[]): Html {
  const verdict = (id: string) => judgements?.find(({ task }) => task === id);
  if (finished.length === 0) return html``;
  return html`<h2>Replies</h2>${finished.slice(0, SHOWN_REPLIES).map(
    ({
      task,
      result,
    }) => html`<div class="talk"><p class="user">${task.user}</p><p class="reply">${result.text!}</p>
${task.reference === undefined ? html`` : html`<small>data: ${task.reference}</small>`}
${judged(verdict(task.id))}</div>`,
  )}`;
}

/** Scores of a reply with their reasons. */
function judged(judgement: Judgement | undefined): Html {
  if (!judgement) return html``;
  const lines = Object.entries(judgement.scores).map(
    ([name, { score, reason }]) => `${name} ${score}: ${reason}`,
  );
  return html`<small>judge: ${lines.join(' · ')}</small>`;
}

function answers(finished: readonly FinishedTask<QuestionTask>[]): Html {
  if (finished.length === 0) return html``;
  return html`<h2>Questions</h2><div class="scroll"><table><tr><th>question</th><th>answer</th><th>gold</th></tr>${(
    ['knowledge', 'vqa'] as const
  ).flatMap((family) =>
    finished
      .filter(({ task }) => task.family === family)
      .slice(0, SHOWN_QUESTIONS)
      .map(
        ({ task, result }) =>
          html`<tr><td>${task.question}</td><td>${result.text!}</td><td>${task.gold}</td></tr>`,
      ),
  )}</table></div>`;
}
