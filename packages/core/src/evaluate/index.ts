export { bootstrapMean, type Interval } from './bootstrap.js';
export {
  type EvaluationOptions,
  evaluateRun,
  planEvaluation,
} from './evaluate-run.js';
export type { Evaluation, Score } from './evaluation.js';
export { type JudgeFolders, type Judges, loadJudges } from './judges.js';
export { type Judgement, judgeRequests, type LanguageJudge } from './language-judge/judge-replies.js';
export { type Rubric, readRubric } from './language-judge/rubric.js';
export * from './metrics/index.js';
export { markdownReport } from './report/markdown.js';
export { type ReportFiles, writeEvaluationReports } from './report/write-reports.js';
export { summarise } from './summary.js';
export type { TaskProgress, TaskRunOptions } from './tasks/run-tasks.js';
export { FAMILIES, type Family, type Task as EvaluationTask } from './tasks/task.js';
export { isToyWorld, readToyTruth, type ToyTruth } from './toy-truth.js';
