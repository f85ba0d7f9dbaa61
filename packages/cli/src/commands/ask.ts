import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { printable } from '../format.js';
import { defined, integer } from '../options.js';
import { fromUser } from '../paths.js';
import { runFolder } from '../run-option.js';
import { withEngine } from '../with-engine.js';

interface AskOptions {
  run?: string;
  seed?: number;
  maxTokens?: number;
}

/** `unicharacter ask`: a question about a picture. */
export function addAsk(program: Command, context: CommandContext): void {
  program
    .command('ask')
    .description('ask a question about a picture')
    .argument('<image>', 'PNG, JPEG or WebP file')
    .argument('<question>', 'the question')
    .option('--run <dir>', 'folder of the trained run (default: the newest below runs/)')
    .option('--seed <n>', 'the same seed gives the same answer', integer(0))
    .option('--max-tokens <n>', 'length limit of the answer', integer(1))
    .addHelpText(
      'after',
      `
Example:
  $ unicharacter ask photo.png "What is on the bed?" --run runs/bo`,
    )
    .action((image: string, question: string, options: AskOptions) => ask(context, image, question, options));
}

async function ask(
  context: CommandContext,
  path: string,
  question: string,
  options: AskOptions,
): Promise<void> {
  const core = await context.core();
  const image = await core.decodeImage(fromUser(context.folder, path));
  await withEngine(core, runFolder(context.folder, options.run), async (engine, signal) => {
    const { seed, maxTokens } = options;
    const { text } = await engine.ask({ image, question, ...defined({ seed, maxTokens }), signal });
    context.terminal.out(`${printable(text)}\n`);
  });
}
