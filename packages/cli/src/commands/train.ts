import { existsSync } from 'node:fs';
import type { MachineRates, TrainConfig, TrainEvent } from '@unicharacter/core';
import { type Command, Option } from 'commander';
import type { CommandContext, Core } from '../context.js';
import { InterruptedError, UsageError } from '../errors.js';
import { formatCount, formatSeconds, formatTable, formatValue } from '../format.js';
import { Interrupt } from '../interrupt.js';
import { collect, defined, integer, machineRates } from '../options.js';
import { ProgressLine } from '../progress.js';
import { type ConfigOptions, readTrainConfig } from '../train-config.js';
import { describePlan } from '../train-plan.js';

interface TrainOptions extends ConfigOptions {
  dryRun?: true;
  measure?: true;
  rates?: MachineRates;
  fresh?: true;
}

/** `unicharacter train`: customises the model; continues an interrupted run by itself. */
export function addTrain(program: Command, context: CommandContext): void {
  program
    .command('train')
    .description('teach the model a character; continues an interrupted run by itself')
    .option('--config <file>', 'YAML configuration; examples/ holds commented ones')
    .option('--data <dir>', 'folder of the character (pictures and dialogues)')
    .option('--out <dir>', 'run folder to write')
    .option('--steps <n>', 'optimizer steps of Unified-SFT', integer(1))
    .addOption(
      new Option('--stage <name>', 'what to train; grpo and text-grpo go on from a finished sft').choices([
        'sft',
        'grpo',
        'text-grpo',
        'all',
      ]),
    )
    .option('--set <key=value>', 'set any value of the configuration, as often as needed', collect, [])
    .option('--dry-run', 'show configuration, tasks, memory and time; write nothing')
    .option('--measure', 'with --dry-run: take a few real steps and time them')
    .option(
      '--rates <operations,reads>',
      'with --dry-run: operations and weight reads per second of another machine, for example 350e12,1.4e12',
      machineRates,
    )
    .option('--fresh', 'stop when the run folder already holds a run, instead of continuing it')
    .addHelpText(
      'after',
      `
Ctrl-C finishes the current step, saves and says how to go on; a second Ctrl-C stops at once.
The same command continues a run that was interrupted or killed, with exactly the numbers it would have had.

Examples:
  $ unicharacter train --data data/mimi --out runs/mimi --steps 300
  $ unicharacter train --config examples/olmo/config.yaml --set sft.optimizer.lr=1e-3
  $ unicharacter train --config examples/olmo/config.yaml --stage grpo --set grpo.epochs=10
  $ unicharacter train --config examples/olmo/config.yaml --dry-run`,
    )
    .action((options: TrainOptions) => train(context, options));
}

async function train(context: CommandContext, options: TrainOptions): Promise<void> {
  const core = await context.core();
  const config = readTrainConfig(core, context.folder, options);
  if (options.fresh && existsSync(new core.RunFolder(config.out).config)) {
    throw new UsageError(
      `${config.out} already holds a run, and --fresh asks for a new one. Choose another --out.`,
    );
  }
  if (options.measure && !options.dryRun) {
    throw new UsageError(
      '--measure belongs to --dry-run: it says what a training will take, and trains nothing.',
    );
  }
  if (options.rates && !options.dryRun) {
    throw new UsageError('--rates belongs to --dry-run: it says for which machine the time is estimated.');
  }
  if (options.dryRun) {
    const { measure, rates } = options;
    context.terminal.out(await describePlan(core, config, defined({ measure, rates })));
    return;
  }
  await runTraining(context, config, core.trainCharacter);
}

/** Trains, showing the progress; Ctrl-C stops it in good order. */
export async function runTraining(
  { terminal }: CommandContext,
  config: TrainConfig,
  train: Core['trainCharacter'],
): Promise<void> {
  const progress = new ProgressLine(terminal);
  const interrupt = new Interrupt(() =>
    progress.note('Stopping after this step and saving. Press Ctrl-C again to stop at once.'),
  );
  try {
    const summary = await train(config, {
      onEvent: (event) => showEvent(progress, event),
      signal: interrupt.signal,
    });
    if (!summary.finished) {
      throw new InterruptedError(`To go on, give the same command again (run folder ${summary.run}).`);
    }
    progress.note(`Trained in ${formatSeconds(summary.seconds)}.\nReport: ${summary.report}`);
  } finally {
    progress.finish();
    interrupt.dispose();
  }
}

function showEvent(progress: ProgressLine, event: TrainEvent): void {
  switch (event.type) {
    case 'start':
      progress.note(describeStart(event));
      break;
    case 'resume':
      progress.note(`Continuing after step ${event.step} of ${event.stage} (${event.checkpoint}).`);
      break;
    case 'stage':
      progress.note(event.message);
      break;
    case 'step':
      progress.step(event);
      break;
    case 'sample':
      for (const { prompt, reply } of event.samples) {
        if (reply !== undefined) progress.note(`  "${prompt}" → "${reply}"`);
      }
      break;
    case 'validation':
      progress.note(`  held-out data: ${describeLosses(event.losses)}`);
      break;
    case 'alarm':
      progress.note(`ALARM: ${event.message}`);
      break;
    case 'interrupted':
      progress.note(event.message);
      break;
    case 'rewards':
    case 'checkpoint':
    case 'done':
      break;
  }
}

function describeStart({
  data,
  parameters,
  precision,
  threads,
}: Extract<TrainEvent, { type: 'start' }>): string {
  const rows = data.tasks.map(({ task, samples, tokens, share }) => [
    task,
    String(samples),
    formatCount(tokens),
    `${(100 * share).toFixed(0)}%`,
  ]);
  return [
    `${data.character}: ${data.images} images; ${formatCount(parameters)} parameters, ${precision}, ${threads} threads`,
    formatTable([['task', 'samples', 'tokens', 'share'], ...rows]),
  ].join('\n');
}

/** Totals only: the tasks stand in the report. */
function describeLosses(losses: Readonly<Record<string, number>>): string {
  const totals = Object.entries(losses).filter(([name]) => !name.includes('/'));
  return totals.map(([name, value]) => `${name} ${formatValue(value)}`).join(' ');
}
