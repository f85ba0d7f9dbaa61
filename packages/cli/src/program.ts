import { Command } from 'commander';
import { addAnnotate } from './commands/annotate.js';
import { addAsk } from './commands/ask.js';
import { addChat } from './commands/chat.js';
import { addDoctor } from './commands/doctor.js';
import { addEvaluate } from './commands/evaluate.js';
import { addExport } from './commands/export.js';
import { addImagine } from './commands/imagine.js';
import { addInspect } from './commands/inspect.js';
import { addJobs } from './commands/jobs.js';
import { addJudges } from './commands/judges.js';
import { addKeys } from './commands/keys.js';
import { addPretrain } from './commands/pretrain.js';
import { addServe } from './commands/serve.js';
import { addStudy } from './commands/study.js';
import { addTemplates } from './commands/templates.js';
import { addTrain } from './commands/train.js';
import { addWorld } from './commands/world.js';
import type { CommandContext } from './context.js';

/** The command line of `unicharacter` with all its commands. Parsing throws a CommanderError instead of exiting. */
export function buildProgram(context: CommandContext): Command {
  const { terminal } = context;
  const program = new Command('unicharacter')
    .description(
      'Teach a small multimodal model a character from a few pictures and dialogues; then talk and draw.',
    )
    .option('--verbose', 'show the stack of errors')
    .showHelpAfterError('(add --help for the options)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      getOutHelpWidth: () => terminal.columns(),
      getErrHelpWidth: () => terminal.columns(),
    })
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failure, 2 wrong usage, configuration or data, 130 interrupted.

Examples:
  $ unicharacter inspect data/mimi
  $ unicharacter train --data data/mimi --out runs/mimi
  $ unicharacter chat --run runs/mimi
  $ unicharacter imagine --run runs/mimi "Mimi on a bench" --out mimi.png`,
    );
  for (const add of [
    addTrain,
    addChat,
    addImagine,
    addAsk,
    addEvaluate,
    addStudy,
    addInspect,
    addAnnotate,
    addDoctor,
    addServe,
    addJobs,
    addKeys,
    addExport,
    addTemplates,
    addWorld,
    addPretrain,
    addJudges,
  ])
    add(program, context);
  return program;
}
