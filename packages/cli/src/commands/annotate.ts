import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { AnnotationOptions, AnnotationProfile, AnnotationResult } from '@unicharacter/core';
import type { Command } from 'commander';
import type { CommandContext, Core } from '../context.js';
import { describeInspection } from '../describe-inspection.js';
import { type AskingOptions, addAskingOptions, chatEndpoint, describeUsage } from '../endpoint-options.js';
import { ExitCode, InterruptedError } from '../errors.js';
import { Interrupt } from '../interrupt.js';
import { integer } from '../options.js';
import { fromUser } from '../paths.js';
import { TaskLine } from '../task-line.js';

interface AnnotateOptions extends AskingOptions {
  profile: string;
  out: string;
  name?: string;
  testPictures?: string;
  pictureSide: number;
  dialogues?: number;
  knowledge?: number;
  questions?: number;
  prompts?: number;
  dryRun?: true;
}

/** `unicharacter annotate`: from pictures and a profile to a training folder, through a model that sees. */
export function addAnnotate(program: Command, context: CommandContext): void {
  const command = program
    .command('annotate')
    .description('write a training folder from pictures and a profile, by asking a model that sees')
    .argument('<pictures>', 'folder with pictures of one character')
    .requiredOption(
      '--profile <file>',
      'who it is: text (.txt, .md), YAML, or a character card (PNG, JSON, CHARX)',
    )
    .requiredOption('--out <dir>', 'root of the data set to write')
    .option('--name <name>', 'name of the character (default: that of the profile)')
    .option('--test-pictures <dir>', 'pictures that are never trained on, for the test split');
  addAskingOptions(command)
    .option('--picture-side <pixels>', 'longest side of pictures that are sent', integer(64), 1024)
    .option('--dialogues <n>', 'exchanges to talk like (default: 180)', integer(1))
    .option('--knowledge <n>', 'questions about the character (default: 100)', integer(1))
    .option('--questions <n>', 'questions about each picture (default: 20)', integer(1))
    .option('--prompts <n>', 'prompts of Character-GRPO with weighted questions (default: 32)', integer(1))
    .option('--dry-run', 'only say what would be asked, and what it costs about')
    .addHelpText(
      'after',
      `
Answers are files below <out>/annotation/answers, prompts below <out>/annotation/prompts. Change either: a changed answer
is used as it is, a changed prompt is asked again. A written file that you have changed is never overwritten. Stopped or
failed, the same command goes on; what was answered costs nothing again.

Examples:
  $ unicharacter annotate pictures --profile mimi.md --out data/mimi --url http://127.0.0.1:8000/v1 --model my-model --dry-run
  $ unicharacter annotate pictures --profile card.png --out data/mimi --model my-model --price-in 0.4 --price-out 1.6`,
    )
    .action((pictures: string, options: AnnotateOptions) => annotate(context, pictures, options));
}

async function annotate(context: CommandContext, pictures: string, options: AnnotateOptions): Promise<void> {
  const core = await context.core();
  const { terminal, folder } = context;
  const endpoint = chatEndpoint(core, context, options, { pictureSide: options.pictureSide });
  const given = await annotationOf(core, folder, pictures, options);
  if (options.dryRun) {
    const { questions, stored, pictures: shown, ...usage } = await core.estimateAnnotation(given, endpoint);
    terminal.out(
      `${questions} questions, ${stored} of them answered already; ${shown} pictures are sent.\n` +
        `About ${describeUsage(core, usage, options)}; right within a factor of two. Nothing was asked or written.\n`,
    );
    return;
  }
  const interrupt = new Interrupt(() => {});
  const line = new TaskLine(terminal);
  try {
    const result = await core.annotate(given, endpoint, {
      concurrency: options.concurrency,
      signal: interrupt.signal,
      onTask: (progress) => line.show(given.profile.name, progress),
    });
    line.finish();
    terminal.out(describeResult(core, folder, result, options));
    if (!result.report.ok) context.setExitCode(ExitCode.usage);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    throw new InterruptedError(
      'Interrupted; what was answered is kept. Give the same command again to go on.',
    );
  } finally {
    line.finish();
    interrupt.dispose();
  }
}

async function annotationOf(
  core: Core,
  folder: string,
  pictures: string,
  options: AnnotateOptions,
): Promise<AnnotationOptions> {
  const { dialogues, knowledge, questions, prompts, testPictures, profile, name, out } = options;
  return {
    profile: await profileOf(core, fromUser(folder, profile), name),
    pictures: fromUser(folder, pictures),
    testPictures: testPictures === undefined ? undefined : fromUser(folder, testPictures),
    out: fromUser(folder, out),
    sizes: {
      ...core.ROLESCAPE_SIZES,
      ...(dialogues === undefined ? {} : { dialogues }),
      ...(knowledge === undefined ? {} : { knowledge }),
      ...(questions === undefined ? {} : { questionsPerPicture: questions }),
      ...(prompts === undefined ? {} : { prompts }),
    },
  };
}

/** A card is told from a profile by its content: a picture, an archive, or JSON that says so. */
async function profileOf(core: Core, file: string, name?: string): Promise<AnnotationProfile> {
  if (!/\.(png|charx|json)$/i.test(file)) return core.readProfile(file, name);
  const { profileOfCard } = await import('@unicharacter/server');
  return profileOfCard(readFileSync(file), name);
}

function describeResult(
  core: Core,
  folder: string,
  { folder: written, prompts, report, ...result }: AnnotationResult,
  options: AnnotateOptions,
): string {
  const near = (path: string) => relative(folder, path) || path;
  const inOut = (path: string) => near(join(fromUser(folder, options.out), path));
  return [
    describeInspection(report),
    ...result.dropped.map((sentence) => `${sentence} and were left out.`),
    ...result.edited.map((id) => `Used as you changed it: the answer ${id}`),
    ...result.kept.map(
      (path) => `Left as you changed it: ${inOut(path)} (delete it to have it written anew)`,
    ),
    `${result.asked} questions asked, ${describeUsage(core, result.usage, options)}; ${result.written.length} files written.`,
    `Training folder: ${near(written)}`,
    `Prompts of Character-GRPO: ${near(prompts)} (grpo.prompts)`,
    '',
  ].join('\n');
}
