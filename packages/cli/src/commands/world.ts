import type { ToyCharacter } from '@unicharacter/core';
import type { Command } from 'commander';
import type { CommandContext, Core } from '../context.js';
import { UsageError } from '../errors.js';
import { integer } from '../options.js';
import { fromUser } from '../paths.js';

interface WorldOptions {
  out: string;
  only?: string;
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
    .option('--only <name>', 'only this character of ToyScape-20')
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
  $ unicharacter world --out data/toyscape --only Alma --size 64
  $ unicharacter train --data data/toyscape/data/personalized_data/train/Alma
  $ unicharacter world --out data/many --characters 500 --seed 1 --size 64`,
    )
    .action((options: WorldOptions) => world(context, options));
}

async function world(context: CommandContext, options: WorldOptions): Promise<void> {
  const core = await context.core();
  const { terminal, folder } = context;
  const { out, size } = options;
  const root = fromUser(folder, out);
  const characters = chosenCharacters(core, options);
  for (const [index, character] of characters.entries()) {
    await core.writeToyCharacter(root, character, size);
    const number = String(index + 1).padStart(String(characters.length).length);
    terminal.out(`${number}/${characters.length}  ${character.description}\n`);
  }
  const count = characters.length === 1 ? '1 character' : `${characters.length} characters`;
  terminal.out(`Written to ${out}: ${count}, pictures of ${size} × ${size} pixels.\n`);
}

/** ToyScape-20, one of its characters, or random ones. */
function chosenCharacters(core: Core, { only, characters: count, seed }: WorldOptions): ToyCharacter[] {
  if (only !== undefined && count !== undefined) {
    throw new UsageError('--only names a character of ToyScape-20 and excludes --characters');
  }
  if (count !== undefined) {
    const random = core.pretrainingCharacters(seed ?? 1);
    return Array.from({ length: count }, () => random.next().value as ToyCharacter);
  }
  if (seed !== undefined) {
    throw new UsageError('--seed works with --characters only: ToyScape-20 is always the same');
  }
  const names: readonly string[] = core.TOYSCAPE_NAMES;
  if (only === undefined) return names.map((_, index) => core.toyscapeCharacter(index));
  if (!names.includes(only))
    throw new UsageError(`--only: expected one of ${names.join(', ')}, found "${only}"`);
  return [core.toyscapeCharacter(names.indexOf(only))];
}
