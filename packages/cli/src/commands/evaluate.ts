import { basename, join } from 'node:path';
import type { Evaluation, EvaluationOptions, Family, LanguageJudge } from '@unicharacter/core';
import { type Command, InvalidArgumentError } from 'commander';
import type { CommandContext, Core } from '../context.js';
import { chatEndpoint, KEY_VARIABLE } from '../endpoint-options.js';
import { InterruptedError, UsageError } from '../errors.js';
import { formatTable } from '../format.js';
import { Interrupt } from '../interrupt.js';
import { collect, defined, integer } from '../options.js';
import { fromUser } from '../paths.js';
import { runFolder } from '../run-option.js';
import { shippedJudges } from '../shipped-judges.js';
import { TaskLine } from '../task-line.js';
import type { Terminal } from '../terminal.js';
import { baseModel } from '../train-config.js';

/** As core names them, which is loaded only when the command runs. */
const FAMILY_NAMES: readonly Family[] = ['knowledge', 'vqa', 'pictures', 'replies', 'consistency', 'general'];

interface EvaluateOptions {
  run: string[];
  base?: string;
  data?: string;
  out?: string;
  metrics: readonly Family[];
  imagesPerPrompt: number;
  limit: number;
  seed: number;
  reader?: string;
  clip?: string;
  dino?: string;
  lpips?: string;
  judgeUrl?: string;
  judgeModel?: string;
  judgeKeyEnv: string;
  judgeRubric?: string;
  judgeConcurrency: number;
  dryRun?: true;
}

/** `unicharacter evaluate`: measures trained characters and writes tables and a page. */
export function addEvaluate(program: Command, context: CommandContext): void {
  program
    .command('evaluate')
    .description('measure what a trained character knows, draws and says')
    .option(
      '--run <dir>',
      'folder of a trained run; repeat for several (default: the newest below runs/)',
      collect,
      [],
    )
    .option('--base <dir>', 'a base model in place of a run: it has only the profile of --data in its prompt')
    .option('--data <dir>', 'training folder of the character (default: the one it was trained on)')
    .option('--out <dir>', 'folder for results and reports (default: evaluation/ in the run)')
    .option('--metrics <names>', `of ${FAMILY_NAMES.join(', ')}; separated by commas`, families, [
      ...FAMILY_NAMES,
    ])
    .option('--images-per-prompt <n>', 'pictures drawn for each prompt', integer(1), 4)
    .option('--limit <n>', 'at most that many prompts or questions of each kind; 0 takes all', integer(0), 0)
    .option('--seed <n>', 'seed of drawing, talking and shuffling', integer(0), 1)
    .option('--reader <dir>', 'attribute reader of the toy world (default: models/toy-reader)')
    .option('--clip <dir>', 'CLIP for alignment and similarity (default: models/toy-clip for toy-world data)')
    .option('--dino <dir>', 'DINOv2 for similarity')
    .option('--lpips <file>', 'LPIPS for diversity')
    .option('--judge-model <name>', 'language model that judges the replies by a rubric; none unless named')
    .option('--judge-url <address>', `base address of its API in OpenAI's shape (default: OPENAI_BASE_URL)`)
    .option('--judge-key-env <variable>', 'environment variable that holds its key', KEY_VARIABLE)
    .option(
      '--judge-rubric <file>',
      'what it judges by (default: judge/rubric.yaml beside the results, to be changed)',
    )
    .option('--judge-concurrency <n>', 'requests to it at a time', integer(1), 4)
    .option('--dry-run', 'only say what would be asked')
    .addHelpText(
      'after',
      `
Results are stored one by one: stopped, the same command goes on where it was; asked of the same weights again,
it only scores again. Writes evaluation.json, summary.json, report.md and report.html.

Examples:
  $ unicharacter evaluate --run runs/Alma
  $ unicharacter evaluate --run runs/Alma --metrics pictures --images-per-prompt 8
  $ unicharacter evaluate --run runs/Alma --run runs/Bruno --out runs/evaluation
  $ unicharacter evaluate --base models/nano-toy --data data/mimi --out runs/prompt-only
  $ unicharacter evaluate --run runs/Alma --metrics replies --judge-url http://127.0.0.1:8000/v1 --judge-model my-model`,
    )
    .action((options: EvaluateOptions) => evaluate(context, options));
}

function families(text: string): Family[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !FAMILY_NAMES.includes(name as Family));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`Expected some of ${FAMILY_NAMES.join(', ')}, found "${unknown}".`);
  }
  return names as Family[];
}

async function evaluate(context: CommandContext, options: EvaluateOptions): Promise<void> {
  const core = await context.core();
  const { terminal } = context;
  const judge = await judgeOf(core, context, options);
  const plans = plansOf(context, options).map((plan) => ({ ...plan, judge }));
  if (options.dryRun) return dryRun(core, terminal, plans);
  const evaluations = await evaluateAll(core, context, plans, options);
  const [first] = plans;
  const out = plans.length === 1 ? first!.out : fromUser(context.folder, options.out!);
  const files = core.writeEvaluationReports(evaluations, out);
  const rows = core
    .summarise(evaluations)
    .map(({ title, mean, low, high, ceiling }) => [
      title,
      mean.toFixed(3),
      `${low.toFixed(3)} – ${high.toFixed(3)}`,
      ceiling === undefined ? '' : ceiling.toFixed(3),
    ]);
  terminal.out(
    `${formatTable([['measure', 'mean', '95 % interval', 'real'], ...rows])}\nReport: ${files.html}\n`,
  );
}

/** The language model that judges replies, where one is named. */
async function judgeOf(
  core: Core,
  context: CommandContext,
  { judgeUrl, judgeModel, judgeKeyEnv, judgeRubric, judgeConcurrency }: EvaluateOptions,
): Promise<LanguageJudge | undefined> {
  if (judgeModel === undefined) {
    if (judgeUrl === undefined && judgeRubric === undefined) return undefined;
    throw new UsageError('--judge-url and --judge-rubric need --judge-model, the model that judges');
  }
  const model = { model: judgeModel, keyEnv: judgeKeyEnv, ...defined({ url: judgeUrl }) };
  return {
    endpoint: chatEndpoint(core, context, model, { prefix: 'judge-' }),
    rubric:
      judgeRubric === undefined ? undefined : await core.readRubric(fromUser(context.folder, judgeRubric)),
    concurrency: judgeConcurrency,
  };
}

function plansOf({ folder }: CommandContext, options: EvaluateOptions): EvaluationOptions[] {
  const asked = {
    families: options.metrics,
    imagesPerPrompt: options.imagesPerPrompt,
    limit: options.limit,
    seed: options.seed,
  };
  const user = (path: string | undefined) => (path === undefined ? undefined : fromUser(folder, path));
  const [data, out] = [user(options.data), user(options.out)];
  if (options.base !== undefined) {
    if (options.run.length > 0) throw new UsageError('--base and --run exclude each other');
    if (data === undefined || out === undefined) {
      throw new UsageError('--base needs --data DIR, whose profile it gets, and --out DIR for the results');
    }
    return [{ run: baseModel(folder, options.base), promptOnly: true, data, out, ...asked }];
  }
  const runs = (options.run.length === 0 ? [undefined] : options.run).map((run) => runFolder(folder, run));
  if (runs.length > 1 && data !== undefined) {
    throw new UsageError('--data works with one --run only: every run is evaluated on its own character');
  }
  if (runs.length > 1 && out === undefined) {
    throw new UsageError('several runs need --out DIR for the table of all of them');
  }
  return runs.map((run) => ({
    run,
    data,
    out: out === undefined ? join(run, 'evaluation') : runs.length === 1 ? out : join(out, basename(run)),
    ...asked,
  }));
}

async function dryRun(core: Core, terminal: Terminal, plans: readonly EvaluationOptions[]): Promise<void> {
  for (const plan of plans) {
    const tasks = await core.planEvaluation(plan);
    const rows = plan.families.map((family) => [
      family,
      String(tasks.filter((task) => task.family === family).length),
    ]);
    if (plan.judge) rows.push(['judge', String(core.judgeRequests(tasks))]);
    terminal.out(`${plan.run}\n${formatTable([['metrics', 'tasks'], ...rows])}\n`);
  }
}

async function evaluateAll(
  core: Core,
  context: CommandContext,
  plans: readonly EvaluationOptions[],
  options: EvaluateOptions,
): Promise<Evaluation[]> {
  const interrupt = new Interrupt(() => {});
  const judges = await core.loadJudges(judgeFolders(core, context.folder, plans, options));
  const evaluations: Evaluation[] = [];
  const line = new TaskLine(context.terminal);
  try {
    for (const plan of plans) {
      evaluations.push(
        await core.evaluateRun(plan, judges, {
          signal: interrupt.signal,
          onTask: (progress) => line.show(basename(plan.run), progress),
        }),
      );
    }
    return evaluations;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    throw new InterruptedError(
      'Interrupted; the results so far are kept. Give the same command again to go on.',
    );
  } finally {
    line.finish();
    judges.dispose();
    interrupt.dispose();
  }
}

/** Folders of judges: what is named, else for toy-world data those that ship with the project. */
function judgeFolders(
  core: Core,
  folder: string,
  plans: readonly EvaluationOptions[],
  { reader, clip, dino, lpips }: EvaluateOptions,
) {
  const isToy = plans.every(({ run, data }) => core.isToyWorld(data ?? core.characterOfRun(run).source));
  const shipped = isToy ? shippedJudges(folder) : {};
  const named = (path: string | undefined) => (path === undefined ? undefined : fromUser(folder, path));
  return {
    reader: named(reader) ?? shipped.reader,
    clip: named(clip) ?? shipped.clip,
    dino: named(dino),
    lpips: named(lpips),
  };
}
