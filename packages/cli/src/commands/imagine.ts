import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { defined, integer, number, type Size, size } from '../options.js';
import { fromUser } from '../paths.js';
import { runFolder } from '../run-option.js';
import { withEngine } from '../with-engine.js';
import { writePng } from '../write-png.js';

interface ImagineOptions {
  run?: string;
  out: string;
  seed?: number;
  size?: Size;
  steps?: number;
  cfg?: number;
}

/** `unicharacter imagine`: draws the character from a description. */
export function addImagine(program: Command, context: CommandContext): void {
  program
    .command('imagine')
    .description('draw the character')
    .argument('<prompt>', 'what to draw, in plain words')
    .option('--run <dir>', 'folder of the trained run (default: the newest below runs/)')
    .option('--out <file>', 'PNG file to write', 'image.png')
    .option('--seed <n>', 'the same seed draws the same picture', integer(0))
    .option('--size <pixels>', 'one side or WIDTHxHEIGHT (default: as trained)', size)
    .option('--steps <n>', 'steps from noise to picture; more is finer and slower', integer(2))
    .option('--cfg <scale>', 'how strictly the prompt is followed, 1 to 30', number(1, 30))
    .addHelpText(
      'after',
      `
Examples:
  $ unicharacter imagine --run runs/bo "Bo on a bed" --out bo.png
  $ unicharacter imagine "in the snow, smiling" --seed 7 --steps 40 --size 96x64`,
    )
    .action((prompt: string, options: ImagineOptions) => imagine(context, prompt, options));
}

async function imagine(context: CommandContext, prompt: string, options: ImagineOptions): Promise<void> {
  const core = await context.core();
  const path = fromUser(context.folder, options.out);
  await withEngine(core, runFolder(context.folder, options.run), async (engine, signal) => {
    const { seed, steps, cfg } = options;
    const { image } = await engine.imagine({
      prompt,
      ...defined({ seed, steps, cfg }),
      ...options.size,
      signal,
    });
    await writePng(core, path, image, prompt);
    context.terminal.out(`${path} (${image.width} × ${image.height})\n`);
  });
}
