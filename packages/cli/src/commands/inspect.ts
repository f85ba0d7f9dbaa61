import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { describeInspection } from '../describe-inspection.js';
import { ExitCode } from '../errors.js';
import { fromUser } from '../paths.js';
import { baseModel } from '../train-config.js';

interface InspectOptions {
  base: string;
  json?: true;
}

/** `unicharacter inspect`: what a data folder holds and what is wrong with it. */
export function addInspect(program: Command, context: CommandContext): void {
  program
    .command('inspect')
    .description('check a data folder before training')
    .argument('<dir>', 'folder of one character')
    .option('--base <dir>', 'base model whose tokenizer counts the tokens', 'models/nano')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Ends with exit code 2 when something would make training fail.

Examples:
  $ unicharacter inspect data/mimi
  $ unicharacter inspect data/mimi --json | jq .findings`,
    )
    .action((dir: string, options: InspectOptions) => inspect(context, dir, options));
}

async function inspect(context: CommandContext, dir: string, { base, json }: InspectOptions): Promise<void> {
  const core = await context.core();
  const tokenizer = core.loadTokenizer(baseModel(context.folder, base));
  const report = await core.inspectFolder(fromUser(context.folder, dir), { tokenizer });
  context.terminal.out(json ? `${JSON.stringify(report, null, 2)}\n` : describeInspection(report));
  if (!report.ok) context.setExitCode(ExitCode.usage);
}
