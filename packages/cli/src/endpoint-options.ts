import type { ChatEndpoint } from '@unicharacter/core';
import type { Command } from 'commander';
import type { CommandContext, Core } from './context.js';
import { UsageError } from './errors.js';
import { formatCount } from './format.js';
import { integer, number } from './options.js';

/** Options of commands that ask a chat model behind an API in OpenAI's shape. */
export interface ModelOptions {
  url?: string;
  model?: string;
  keyEnv: string;
}

/** Where the address comes from when it is not named, as clients of OpenAI have it. */
const URL_VARIABLE = 'OPENAI_BASE_URL';
export const KEY_VARIABLE = 'OPENAI_API_KEY';

/** What `--concurrency` and the prices are, for commands that ask a lot. */
export interface AskingOptions extends ModelOptions {
  concurrency: number;
  priceIn?: number;
  priceOut?: number;
}

const MOST_EXPENSIVE = 100_000;

/** Adds address, model, key, concurrency and prices to a command. */
export function addAskingOptions(command: Command): Command {
  return command
    .option('--url <address>', `base address of an API in OpenAI's shape (default: ${URL_VARIABLE})`)
    .option('--model <name>', 'model that is asked; it has to see pictures')
    .option('--key-env <variable>', 'environment variable that holds the key', KEY_VARIABLE)
    .option('--concurrency <n>', 'requests at a time', integer(1), 4)
    .option('--price-in <price>', 'price of a million tokens that are sent', number(0, MOST_EXPENSIVE))
    .option('--price-out <price>', 'price of a million tokens that are written', number(0, MOST_EXPENSIVE));
}

/**
 * The endpoint that the options name. Without a key in the environment none is sent, which suits local servers.
 * @param prefix of the options' names, such as `judge-`
 * @throws UsageError without address or model
 */
export function chatEndpoint(
  core: Core,
  { env, terminal }: CommandContext,
  { url = env[URL_VARIABLE], model, keyEnv }: ModelOptions,
  { prefix = '', ...more }: { prefix?: string; pictureSide?: number } = {},
): ChatEndpoint {
  if (!url) {
    throw new UsageError(
      `Name the endpoint with --${prefix}url, such as --${prefix}url http://127.0.0.1:8000/v1, or in ${URL_VARIABLE}.`,
    );
  }
  if (!model) throw new UsageError(`Name the model that is asked with --${prefix}model.`);
  const key = env[keyEnv]?.trim();
  return new core.ChatEndpoint({
    url,
    model,
    ...more,
    ...(key ? { key } : {}),
    onWait: (seconds, reason) => terminal.err(`waiting ${seconds.toFixed(0)} s: ${reason}\n`),
  });
}

/** Tokens and, where prices are known, what they cost. */
export function describeUsage(
  core: Core,
  usage: { readonly inputTokens: number; readonly outputTokens: number },
  { priceIn, priceOut }: AskingOptions,
): string {
  const tokens = `${formatCount(usage.inputTokens)} tokens sent, ${formatCount(usage.outputTokens)} written`;
  if (priceIn === undefined && priceOut === undefined) return tokens;
  const cost = core.costOf(usage, { input: priceIn ?? 0, output: priceOut ?? 0 });
  return `${tokens}, costs ${cost.toFixed(2)}`;
}
