import { join } from 'node:path';
import type { LearnProgress } from '@unicharacter/core';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.js';
import { InterruptedError } from '../errors.js';
import { formatSeconds, formatValue } from '../format.js';
import { Interrupt } from '../interrupt.js';
import { defined, integer } from '../options.js';
import { fromUser } from '../paths.js';

interface JudgesOptions {
  out: string;
  only?: 'reader' | 'clip';
  steps?: number;
  pictures?: number;
}

/** `unicharacter judges`: trains what measures and rewards pictures of the toy world. */
export function addJudges(program: Command, context: CommandContext): void {
  program
    .command('judges')
    .description('train the judges of toy-world pictures: attribute reader and nano CLIP')
    .requiredOption('--out <dir>', 'folder that gets toy-reader/ and toy-clip/')
    .addOption(new Option('--only <judge>', 'train one of them').choices(['reader', 'clip']))
    .option('--steps <n>', 'optimizer steps (default: as shipped)', integer(1))
    .option('--pictures <n>', 'pictures to learn from (default: as shipped)', integer(1))
    .addHelpText(
      'after',
      `
Examples:
  $ unicharacter judges --out models
  $ unicharacter judges --out /tmp/try --only reader --steps 100 --pictures 500`,
    )
    .action((options: JudgesOptions) => judges(context, options));
}

async function judges(context: CommandContext, { out, only, ...sizes }: JudgesOptions): Promise<void> {
  const core = await context.core();
  const { terminal } = context;
  const root = fromUser(context.folder, out);
  const interrupt = new Interrupt(() => {});
  const progress = (name: string) => ({
    signal: interrupt.signal,
    onStep: ({ step, steps, loss, etaSeconds }: LearnProgress) =>
      terminal.out(
        `${name} ${step}/${steps} | ETA ${formatSeconds(etaSeconds)} | loss ${formatValue(loss)}\n`,
      ),
  });
  try {
    if (only !== 'clip') {
      const folder = join(root, 'toy-reader');
      const recipe = { ...core.READER_RECIPE, ...defined(sizes) };
      const accuracy = await core.makeReader(folder, recipe, progress('reader'));
      terminal.out(`${folder}: ${(100 * accuracy).toFixed(1)} % of attributes read right\n`);
    }
    if (only !== 'reader') {
      const folder = join(root, 'toy-clip');
      const recipe = { ...core.CLIP_RECIPE, ...defined(sizes) };
      const retrieval = await core.makeClip(folder, recipe, progress('clip'));
      terminal.out(`${folder}: ${(100 * retrieval).toFixed(1)} % of captions find their picture among 100\n`);
    }
  } catch (error) {
    throw interrupt.signal.aborted ? new InterruptedError('Interrupted; nothing was written.') : error;
  } finally {
    interrupt.dispose();
  }
}
