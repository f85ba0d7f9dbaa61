import type { Command } from 'commander';
import { Option } from 'commander';
import type { CommandContext } from '../context.js';
import { fromUser } from '../paths.js';
import { runFolder } from '../run-option.js';

interface ExportOptions {
  run?: string;
  out: string;
  merged?: true;
  dtype: 'float32' | 'bf16';
}

/** `unicharacter export`: the adapter or the whole model of a run, for use elsewhere. */
export function addExport(program: Command, context: CommandContext): void {
  program
    .command('export')
    .description('write what a run has learnt: its adapter, or the whole model')
    .option('--run <dir>', 'folder of the trained run (default: the newest below runs/)')
    .requiredOption('--out <dir>', 'folder to make')
    .option('--merged', 'the whole model in the published layout, with the adapter merged in')
    .addOption(
      new Option('--dtype <type>', 'number format of a whole model')
        .choices(['float32', 'bf16'])
        .default('float32'),
    )
    .addHelpText(
      'after',
      `
Without --merged: adapter_model.safetensors and adapter_config.json, as PEFT names them.
With --merged: a folder that can be the base of another run (train --set base=DIR).

Examples:
  $ unicharacter export --run runs/bo --out bo-adapter
  $ unicharacter export --run runs/olmo --out olmo-model --merged --dtype bf16`,
    )
    .action((options: ExportOptions) => exportCommand(context, options));
}

async function exportCommand(context: CommandContext, options: ExportOptions): Promise<void> {
  const core = await context.core();
  const out = fromUser(context.folder, options.out);
  const { kind, files } = core.exportRun(runFolder(context.folder, options.run), {
    out,
    merged: options.merged === true,
    dtype: options.dtype === 'bf16' ? 'BF16' : 'F32',
  });
  const what = kind === 'model' ? 'Whole model' : 'Adapter';
  context.terminal.out(`${what} in ${out}:\n${files.map((file) => `  ${file}\n`).join('')}`);
}
