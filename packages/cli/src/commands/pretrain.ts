import { join } from 'node:path';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { collect, integer } from '../options.js';
import { baseModel, type ConfigOptions, readTrainConfig } from '../train-config.js';
import { runTraining } from './train.js';

/** What the configuration names as its data: the stream of random characters, not a folder. */
const STREAM = 'toy-world';

/** `unicharacter pretrain`: makes a base model from random characters of the toy world. */
export function addPretrain(program: Command, context: CommandContext): void {
  program
    .command('pretrain')
    .description(
      'make a base model: learn to draw, see and talk from endless random characters of the toy world',
    )
    .requiredOption('--out <dir>', 'run folder to write')
    .option('--config <file>', 'YAML configuration (default: models/nano/pretrain.yaml)')
    .option('--steps <n>', 'optimizer steps of Unified-SFT', integer(1))
    .option('--set <key=value>', 'set any value of the configuration, as often as needed', collect, [])
    .addHelpText(
      'after',
      `
No character of ToyScape-20 is among what is learnt. Ctrl-C finishes the current step and saves; the same command goes on.

Examples:
  $ unicharacter pretrain --out runs/nano
  $ unicharacter export --run runs/nano --merged --dtype bf16 --out my-base
  $ unicharacter train --data data/mimi --set base=my-base`,
    )
    .action(async (options: Omit<ConfigOptions, 'data' | 'stage'>) => {
      const core = await context.core();
      const file = options.config ?? join(baseModel(context.folder, 'models/nano'), 'pretrain.yaml');
      const named = { ...options, config: file, data: STREAM, stage: 'sft' };
      const config = readTrainConfig(core, context.folder, named);
      await runTraining(context, config, core.pretrain);
    });
}
