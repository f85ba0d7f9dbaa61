import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { State } from '@unicharacter/server';
import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { UsageError } from '../errors.js';
import { Interrupt } from '../interrupt.js';
import { collect, defined, integer } from '../options.js';
import { fromUser } from '../paths.js';
import { runFolder, trainedRuns } from '../run-option.js';
import { servedCharacter } from '../served-characters.js';
import { type StateOptions, stateExists, stateFolder, withState } from '../state-option.js';
import { baseModels } from '../train-config.js';

interface ServeOptions extends StateOptions {
  run?: string;
  host: string;
  port: number;
  apiKey?: string;
  pictures: string;
  allowOrigin: string[];
  concurrency?: number;
  queue?: number;
  timeout?: number;
  drain?: number;
  bases?: string;
}

/** `unicharacter serve`: the HTTP API. */
export function addServe(program: Command, context: CommandContext): void {
  program
    .command('serve')
    .description("web page and HTTP API, in the shape of OpenAI's, for trained characters")
    .option('--run <dir>', 'folder of the trained run (default: the newest below runs/)')
    .option('--runs <dir>', 'serve every trained run below this folder, each as a model of its own')
    .option('--host <address>', 'address to listen on; other than loopback needs an API key', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 takes a free one', integer(0), 8080)
    .option('--api-key <key>', 'bearer key that clients must send (better: UNICHARACTER_API_KEY)')
    .option('--pictures <dir>', 'folder in which drawn pictures are kept', 'runs/.pictures')
    .option('--state <dir>', 'folder of conversations and keys (default: .state beside the runs)')
    .option(
      '--bases <dir>',
      'folder of base models that jobs may train on (default: those of the installation)',
    )
    .option('--allow-origin <origin>', 'let pages of another host call the API; may be repeated', collect, [])
    .option(
      '--concurrency <n>',
      'requests to a character that are worked on together (default: 16)',
      integer(1),
    )
    .option('--queue <n>', 'further requests that may wait (default: 64)', integer(0))
    .option('--timeout <s>', 'seconds that an answer may take, with its wait (default: 600)', integer(1))
    .option('--drain <s>', 'seconds to finish answers in when the server stops (default: 30)', integer(0))
    .addHelpText(
      'after',
      `
Examples:
  $ unicharacter serve --run runs/bo --port 8080      (then open http://127.0.0.1:8080)
  $ unicharacter serve --runs runs
  $ curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
      -d '{"messages":[{"role":"user","content":"Hi!"}],"modalities":["text","image"]}'`,
    )
    .action((options: ServeOptions) => serve(context, options));
}

async function serve(context: CommandContext, options: ServeOptions): Promise<void> {
  const { assertSafeBind } = await import('@unicharacter/server');
  const key = options.apiKey ?? context.env.UNICHARACTER_API_KEY;
  const apiKeys = key ? [key] : [];
  const runs = runsOf(context, options);
  const uploads = join(stateFolder(context.folder, options), 'characters');
  if (!stateExists(context, options)) assertSafeBind(options.host, apiKeys.length > 0);
  await withState(context, options, async (state) => {
    const hasKeys = apiKeys.length > 0 || (await state.keys.exist());
    assertSafeBind(options.host, hasKeys);
    await serveRuns(context, options, { runs, state, uploads, apiKeys, hasKeys });
  });
}

interface Served {
  runs: string[];
  state: State;
  /** Folder of uploaded characters. */
  uploads: string;
  apiKeys: string[];
  hasKeys: boolean;
}

async function serveRuns(
  context: CommandContext,
  { host, port, pictures, allowOrigin, bases, runs: below = 'runs', ...limits }: ServeOptions,
  { runs, state, uploads, apiKeys, hasKeys }: Served,
): Promise<void> {
  const { buildServer, EngineProcess, listen } = await import('@unicharacter/server');
  const core = await context.core();
  const engine = new EngineProcess({
    onCrash: (how) => context.terminal.err(`The engine process ended by itself: ${how}\n`),
  });
  const served = (run: string) => servedCharacter(core, engine, run);
  const characters = runs.map(served);
  const interrupt = new Interrupt(() => {});
  const app = await buildServer(characters, {
    apiKeys,
    state,
    uploads,
    engine,
    training: {
      runs: fromUser(context.folder, join(below, '.jobs')),
      bases: baseModels(core, bases === undefined ? undefined : fromUser(context.folder, bases)),
      serve: served,
    },
    pictures: fromUser(context.folder, pictures),
    allowedOrigins: allowOrigin,
    ...defined({
      concurrency: limits.concurrency,
      queueLimit: limits.queue,
      requestSeconds: limits.timeout,
      drainSeconds: limits.drain,
    }),
    logger: { level: 'warn', stream: { write: (line: string) => context.terminal.err(line) } },
  });
  try {
    const address = await listen(app, { host, port, hasKeys });
    const names = characters.map(({ name }) => name).join(', ') || 'No character yet';
    context.terminal.out(`${names}: page ${address}/  API ${address}/v1  (Ctrl-C stops)\n`);
    await aborted(interrupt.signal);
  } finally {
    interrupt.dispose();
    await app.close();
  }
}

function runsOf({ folder }: CommandContext, { run, runs }: ServeOptions): string[] {
  if (runs === undefined) return [runFolder(folder, run)];
  if (run !== undefined) throw new UsageError('--run and --runs exclude each other');
  const found = trainedRuns(fromUser(folder, runs));
  // An empty folder is where the first characters are going to be trained.
  if (found.length > 0 || existsSync(fromUser(folder, runs))) return found;
  throw new UsageError(
    `No trained run found below ${fromUser(folder, runs)}; to train there over HTTP, make the folder.`,
  );
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
