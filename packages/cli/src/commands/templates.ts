import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { fromUser } from '../paths.js';

interface RecoverOptions {
  data: string;
  out: string;
}

/** `unicharacter templates recover`: the published wording of prompts, from the user's own copy of the data. */
export function addTemplates(program: Command, context: CommandContext): void {
  program
    .command('templates')
    .description('prompt wording of published checkpoints')
    .command('recover')
    .description('read the published prompt sentences from a RoleScape-20 folder, checked by length and hash')
    .requiredOption('--data <dir>', 'training folder of one character, with its processed/ files')
    .option('--out <file>', 'where to write them', 'templates.json')
    .addHelpText(
      'after',
      `
Published UniCharacter checkpoints were trained with sentences that are not part of this project. Beside a run, as
<run>/templates.json, the recovered ones are used in place of the project's own.

Examples:
  $ unicharacter templates recover --data personalized_data/train/Bo --out runs/bo/templates.json`,
    )
    .action((options: RecoverOptions) => recover(context, options));
}

async function recover(
  { core: load, folder, terminal }: CommandContext,
  { data, out }: RecoverOptions,
): Promise<void> {
  const core = await load();
  const templates = await core.recoverPublishedTemplates(fromUser(folder, data));
  core.writeFileAtomic(fromUser(folder, out), core.encodeTemplates(templates));
  terminal.out(
    `Found the published sentences for replies, pictures, planned pictures and plans; written to ${out}.\n`,
  );
  terminal.out('The other sentences are in no data file and keep this project’s wording.\n');
}
