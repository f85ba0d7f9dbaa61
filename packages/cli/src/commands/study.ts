import { relative } from 'node:path';
import type { StepEvent, Study, StudyPlanRow } from '@unicharacter/core';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { InterruptedError } from '../errors.js';
import { formatBytes, formatSeconds, formatTable } from '../format.js';
import { Interrupt } from '../interrupt.js';
import { fromUser } from '../paths.js';
import { ProgressLine } from '../progress.js';
import { shippedJudges } from '../shipped-judges.js';
import { TaskLine } from '../task-line.js';

/** `unicharacter study`: trains and evaluates several ways of training on several characters. */
export function addStudy(program: Command, context: CommandContext): void {
  program
    .command('study')
    .description('compare ways of training on characters: train, evaluate, one table')
    .argument('<file>', 'YAML file of the study')
    .option('--dry-run', 'only check every option and say what each variant would take')
    .addHelpText(
      'after',
      `
The file names characters (training folders), variants (a name, options, and what they go on from) and what is
evaluated; paths start in the current folder. Stopped, the same command goes on. Writes study.md, study.json and reports/.

Examples:
  $ unicharacter study examples/studies/stages.yaml
  $ unicharacter study examples/studies/pictures.yaml --dry-run`,
    )
    .action((file: string, options: { dryRun?: true }) => study(context, file, options));
}

async function study(context: CommandContext, file: string, { dryRun }: { dryRun?: true }): Promise<void> {
  const core = await context.core();
  const { terminal, folder } = context;
  const plan = inFolder(folder, await core.readStudy(fromUser(folder, file)));
  if (dryRun) return terminal.out(planTable(await core.planStudy(plan)));
  const folders = plan.characters.every(core.isToyWorld) ? shippedJudges(folder) : {};
  const interrupt = new Interrupt(() => {});
  const training = new ProgressLine(terminal);
  const asking = new TaskLine(terminal);
  const judges = await core.loadJudges(folders);
  let now = '';
  try {
    const results = await core.runStudy(plan, judges, {
      signal: interrupt.signal,
      onRun: (variant, character) => {
        now = `${character}, ${variant}`;
        training.note(now);
      },
      onTrain: (event) => (event.type === 'step' ? training.step(event as StepEvent) : undefined),
      onTask: (progress) => {
        training.finish();
        asking.show(now, progress);
      },
    });
    asking.finish();
    terminal.out(
      `${core.studyTable(results)}\nTable: ${relative(folder, core.writeStudy(results, plan.out))}\n`,
    );
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    throw new InterruptedError('Interrupted; give the same command again to go on.');
  } finally {
    training.finish();
    asking.finish();
    judges.dispose();
    interrupt.dispose();
  }
}

/** The study with paths from the user's folder. */
function inFolder(folder: string, { out, characters, config, ...rest }: Study): Study {
  return {
    ...rest,
    out: fromUser(folder, out),
    characters: characters.map((character) => fromUser(folder, character)),
    ...(config === undefined ? {} : { config: fromUser(folder, config) }),
  };
}

/** What a study would take, a row per variant and character, and the sum. */
function planTable(rows: readonly StudyPlanRow[]): string {
  const cells = rows.map(({ variant, character, pictures, stages, memoryBytes, seconds, tasks }) => [
    variant,
    character,
    String(pictures),
    stages.map(({ stage, steps }) => `${stage} ${steps}`).join(', ') || '-',
    formatBytes(memoryBytes),
    formatSeconds(seconds),
    String(tasks),
  ]);
  const head = ['variant', 'character', 'pictures', 'stages', 'memory', 'training', 'asked'];
  const whole = rows.reduce((sum, { seconds }) => sum + seconds, 0);
  return (
    `${formatTable([head, ...cells])}\n` +
    `${rows.length} runs, about ${formatSeconds(whole)} of training, right within a factor of two when nothing else runs; ` +
    'evaluations come on top. Nothing was written.\n'
  );
}
