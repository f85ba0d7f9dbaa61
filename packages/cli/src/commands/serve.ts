import type { Command } from 'commander';
import type { CommandContext } from '../context.js';
import { defined, integer } from '../options.js';
import { runFolder } from '../run-option.js';
import { withEngine } from '../with-engine.js';

interface ServeOptions {
  run?: string;
  host: string;
  port: number;
  apiKey?: string;
  model?: string;
  queue?: number;
}

/** `unicharacter serve`: the HTTP API. */
export function addServe(program: Command, context: CommandContext): void {
  program
    .command('serve')
    .description("serve the character over HTTP, in the shape of OpenAI's API")
    .option('--run <dir>', 'folder of the trained run (default: the newest below runs/)')
    .option('--host <address>', 'address to listen on; other than loopback needs an API key', '127.0.0.1')
    .option('--port <n>', 'port to listen on; 0 takes a free one', integer(0), 8080)
    .option('--api-key <key>', 'bearer key that clients must send (better: UNICHARACTER_API_KEY)')
    .option('--model <id>', 'model id that clients see (default: unicharacter/<name>)')
    .option('--queue <n>', 'requests that may wait while one is worked on (default: 8)', integer(0))
    .addHelpText(
      'after',
      `
Examples:
  $ unicharacter serve --run runs/bo --port 8080
  $ curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
      -d '{"messages":[{"role":"user","content":"Hi!"}],"modalities":["text","image"]}'`,
    )
    .action((options: ServeOptions) => serve(context, options));
}

async function serve(context: CommandContext, options: ServeOptions): Promise<void> {
  const { assertSafeBind, buildServer, listen } = await import('@unicharacter/server');
  const key = options.apiKey ?? context.env.UNICHARACTER_API_KEY;
  const apiKeys = key ? [key] : [];
  const { host, port, model, queue } = options;
  assertSafeBind(host, apiKeys);
  const run = runFolder(context.folder, options.run);
  await withEngine(await context.core(), run, async (engine, signal) => {
    const app = buildServer(engine, {
      apiKeys,
      ...defined({ model, queueLimit: queue }),
      logger: { level: 'warn', stream: { write: (line: string) => context.terminal.err(line) } },
    });
    try {
      const address = await listen(app, { host, port, apiKeys });
      context.terminal.out(`${engine.character.name} listens on ${address}/v1 (Ctrl-C stops)\n`);
      await aborted(signal);
    } finally {
      await app.close();
    }
  });
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
