import type { Command } from 'commander';
import { ChatSession, type Speech } from '../chat-session.js';
import type { CommandContext, Core, Engine } from '../context.js';
import { UsageError } from '../errors.js';
import { printable } from '../format.js';
import { defined, integer, number } from '../options.js';
import { fromUser } from '../paths.js';
import { runFolder } from '../run-option.js';
import { withEngine } from '../with-engine.js';
import { writePng } from '../write-png.js';

interface ChatOptions {
  run?: string;
  once?: string;
  image?: string;
  json?: true;
  seed?: number;
  temperature?: number;
  maxTokens?: number;
}

/** `unicharacter chat`: a conversation, or one reply with `--once`. */
export function addChat(program: Command, context: CommandContext): void {
  program
    .command('chat')
    .description('talk with the character')
    .option('--run <dir>', 'folder of the trained run (default: the newest below runs/)')
    .option('--once <text>', 'say this, print the reply and stop')
    .option('--image <file>', 'with --once: also draw the moment into this PNG file')
    .option('--json', 'with --once: print one JSON object instead of text')
    .option('--seed <n>', 'the same seed gives the same reply', integer(0))
    .option('--temperature <t>', 'variety of the words, 0 (always the likeliest) to 2', number(0, 2))
    .option('--max-tokens <n>', 'length limit of a reply', integer(1))
    .addHelpText(
      'after',
      `
In a conversation:
  /image [file]   draw the last moment
  /reset          forget the conversation
  /help           show these commands
  /quit           leave (also Ctrl-D); Ctrl-C stops a reply

Examples:
  $ unicharacter chat --run runs/bo
  $ unicharacter chat --run runs/bo --once "Who's the cutest dog?" --image bo.png
  $ unicharacter chat --once "Good morning!" --json --seed 1`,
    )
    .action((options: ChatOptions) => chat(context, options));
}

async function chat(context: CommandContext, options: ChatOptions): Promise<void> {
  const { once, image, json } = options;
  if (once === undefined && (image !== undefined || json)) {
    throw new UsageError(
      `${json ? '--json' : '--image'} works with --once TEXT only; in a conversation type /image.`,
    );
  }
  if (once?.trim() === '') throw new UsageError('--once needs some text to answer to.');
  const core = await context.core();
  const run = runFolder(context.folder, options.run);
  const { seed, temperature, maxTokens } = options;
  const speech: Speech = defined({ seed, temperature, maxTokens });
  if (once === undefined) {
    const engine = await core.openRun(run);
    try {
      await new ChatSession(core, engine, context, speech).run();
    } finally {
      engine.dispose();
    }
    return;
  }
  await withEngine(core, run, (engine, signal) =>
    answerOnce(context, core, engine, { ...options, once }, speech, signal),
  );
}

async function answerOnce(
  { terminal, folder }: CommandContext,
  core: Core,
  engine: Engine,
  { once, image, json }: ChatOptions & { once: string },
  speech: Speech,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now();
  const onToken = json ? undefined : (piece: string): void => terminal.out(printable(piece));
  const request = { user: once, ...speech, ...defined({ onToken }), signal };
  const path = image === undefined ? undefined : fromUser(folder, image);
  const drawn = path === undefined ? undefined : await engine.rolePlay(request);
  const reply = drawn ? drawn.reply : await engine.reply(request);
  if (!json) terminal.out('\n');
  if (drawn && path !== undefined) await writePng(core, path, drawn.image, once);
  if (json) {
    const seconds = Number(((performance.now() - started) / 1000).toFixed(3));
    const { text, finish, promptTokens, completionTokens } = reply;
    const tokens = { prompt: promptTokens, completion: completionTokens };
    terminal.out(
      `${JSON.stringify({ reply: text, ...(path === undefined ? {} : { image: path }), finish, tokens, seconds })}\n`,
    );
  } else if (path !== undefined) {
    terminal.out(`${path}\n`);
  }
}
