import type { InspectionReport, MemoryNeeds, ModelInspection } from '@unicharacter/core';
import type { Command } from 'commander';
import type { CommandContext, Core } from '../context.js';
import { describeInspection } from '../describe-inspection.js';
import { describeModel } from '../describe-model.js';
import { ExitCode } from '../errors.js';
import { integer, type Size, size } from '../options.js';
import { fromUser } from '../paths.js';
import { baseModel } from '../train-config.js';

interface InspectOptions {
  base: string;
  json?: true;
  tensors?: true;
  size?: Size;
  packTokens?: number;
  promptTokens?: number;
  loraRank?: number;
}

/** `unicharacter inspect`: what a data or model folder holds, what is wrong with it, and what a model needs. */
export function addInspect(program: Command, context: CommandContext): void {
  program
    .command('inspect')
    .description('check a data folder before training, or a model folder: tensors, sizes, memory')
    .argument('<dir>', 'folder of one character, or of a model')
    .option('--base <dir>', 'base model whose tokenizer counts the tokens', 'models/nano')
    .option('--tensors', 'model: list every tensor')
    .option('--size <size>', 'model: size of pictures, one side or WIDTHxHEIGHT', size)
    .option('--pack-tokens <n>', 'model: tokens of a training row', integer(1))
    .option('--prompt-tokens <n>', 'model: tokens of a prompt', integer(1))
    .option('--lora-rank <n>', 'model: rank of the adapter', integer(1))
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Ends with exit code 2 when something would make training fail, or when weights do not fit their configuration.

Examples:
  $ unicharacter inspect data/mimi
  $ unicharacter inspect models/bagel-7b-mot --size 512
  $ unicharacter inspect data/mimi --json | jq .findings`,
    )
    .action((dir: string, options: InspectOptions) => inspect(context, dir, options));
}

async function inspect(context: CommandContext, dir: string, options: InspectOptions): Promise<void> {
  const core = await context.core();
  const folder = fromUser(context.folder, dir);
  const { text, report } = core.isModelFolder(folder)
    ? ofModel(core.inspectModel(folder, memoryNeeds(core, options)), options)
    : ofData(
        await core.inspectFolder(folder, {
          tokenizer: core.loadTokenizer(baseModel(context.folder, options.base)),
        }),
      );
  context.terminal.out(options.json ? `${JSON.stringify(report, null, 2)}\n` : text);
  if (!report.ok) context.setExitCode(ExitCode.usage);
}

const ofModel = (report: ModelInspection, { tensors = false }: { tensors?: boolean }) => ({
  report,
  text: describeModel(report, tensors),
});

const ofData = (report: InspectionReport) => ({ report, text: describeInspection(report) });

function memoryNeeds(core: Core, options: InspectOptions): MemoryNeeds {
  const { size: picture, packTokens, promptTokens, loraRank } = options;
  return {
    ...core.PUBLISHED_NEEDS,
    ...picture,
    ...(packTokens === undefined ? {} : { tokensPerPack: packTokens }),
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(loraRank === undefined ? {} : { loraRank }),
  };
}
