import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { UsageError } from '../errors.js';
import { integer } from '../options.js';
import { fromUser } from '../paths.js';

interface WorldOptions {
  out: string;
  characters?: number;
  seed?: number;
  size: number;
}

/** `unicharacter world`: writes toy characters in the layout of RoleScape-20. */
export function addWorld(program: Command, context: CommandContext): void {
  program
    .command('world')
    .description('draw and write toy characters as training folders: ToyScape-20, or random ones')
    .requiredOption('--out <dir>', 'folder to write the data set into')
    .option('--characters <n>', 'that many random characters instead of ToyScape-20', integer(1))
    .option('--seed <n>', 'seed of the random characters (default: 1)', integer(0))
    .option('--size <pixels>', 'side of the pictures', integer(32), 128)
    .addHelpText(
      'after',
      `
The folders are those of RoleScape-20: data/personalized_data/{train,test}/<Name> and
flow_grpo/dataset/personalized_t2i/<Name>; toy_world.json in each says what every picture shows.
The same options give the same files.

Examples:
  $ unicharacter world --out data/toyscape
  $ unicharacter train --data data/toyscape/data/personalized_data/train/Alma
  $ unicharacter world --out data/many --characters 500 --seed 1 --size 64`,
    )
    .action((options: WorldOptions) => world(context, options));
}

async function world(context: CommandContext, { out, characters, seed, size }: WorldOptions): Promise<void> {
  const core = await context.core();
  const { terminal, folder } = context;
  const root = fromUser(folder, out);
  const count = characters ?? core.TOYSCAPE_NAMES.length;
  if (seed !== undefined && characters === undefined) {
    throw new UsageError('--seed works with --characters only: ToyScape-20 is always the same');
  }
  const random = characters === undefined ? undefined : core.pretrainingCharacters(seed ?? 1);
  for (let index = 0; index < count; index++) {
    const character = random?.next().value ?? core.toyscapeCharacter(index);
    await core.writeToyCharacter(root, character, size);
    terminal.out(`${String(index + 1).padStart(String(count).length)}/${count}  ${character.description}\n`);
  }
  terminal.out(`Written to ${out}: ${count} characters, pictures of ${size} × ${size} pixels.\n`);
}
