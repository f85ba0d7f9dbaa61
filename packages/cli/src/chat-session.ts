import { existsSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import type { Turn } from '@unicharacter/core';
import type { CommandContext, Core, Engine } from './context.js';
import { describeError } from './errors.js';
import { printable } from './format.js';
import { fromUser } from './paths.js';
import { writePng } from './write-png.js';

/** How replies are sampled. */
export interface Speech {
  seed?: number;
  temperature?: number;
  maxTokens?: number;
}

interface Moment {
  user: string;
  reply: string;
}

const HELP = `/image [file]   draw the last moment
/reset          forget the conversation
/help           show these commands
/quit           leave`;

/**
 * A conversation in the terminal. Each line is something to say or a command that begins with a slash. Lines that come
 * through a pipe are answered one after the other, without a prompt.
 */
export class ChatSession {
  private history: Turn[] = [];
  private moment: Moment | undefined;
  private working: AbortController | undefined;
  private turn = 0;

  constructor(
    private readonly core: Core,
    private readonly engine: Engine,
    private readonly context: CommandContext,
    private readonly speech: Speech,
  ) {}

  /** Runs until the input ends or the user leaves. */
  async run(): Promise<void> {
    const { terminal } = this.context;
    const lines = createInterface({
      input: terminal.input,
      ...(terminal.isInteractive ? { output: process.stdout } : {}),
      prompt: terminal.isInteractive ? 'you> ' : '',
    });
    lines.on('SIGINT', () => (this.working ? this.working.abort() : lines.close()));
    if (terminal.isInteractive) this.greet();
    try {
      lines.prompt();
      for await (const line of lines) {
        if (!(await this.take(line.trim(), lines))) break;
        lines.prompt();
      }
    } finally {
      lines.close();
      if (terminal.isInteractive) terminal.out('\n');
    }
  }

  private greet(): void {
    const { name, opening } = this.engine.character;
    this.context.terminal.out(`You are talking with ${name}. /help shows the commands.\n`);
    if (opening.trim() !== '') this.context.terminal.out(`${name}> ${printable(opening.trim())}\n`);
  }

  /** @returns false when the user leaves */
  private async take(line: string, lines: Interface): Promise<boolean> {
    const { terminal } = this.context;
    if (line === '') return true;
    const [command, ...rest] = line.split(/\s+/);
    switch (command) {
      case '/quit':
      case '/exit':
        return false;
      case '/help':
        terminal.out(`${HELP}\n`);
        return true;
      case '/reset':
        this.history = [];
        this.moment = undefined;
        terminal.out('The conversation starts anew.\n');
        return true;
      case '/image':
        await this.interruptible(lines, (signal) => this.draw(rest.join(' '), signal));
        return true;
      default:
        if (line.startsWith('/')) terminal.err(`Unknown command ${command}; /help shows the commands.\n`);
        else await this.interruptible(lines, (signal) => this.say(line, signal));
        return true;
    }
  }

  private async say(user: string, signal: AbortSignal): Promise<void> {
    const { terminal } = this.context;
    terminal.out(terminal.isInteractive ? `${this.engine.character.name}> ` : '');
    const { text } = await this.engine.reply({
      user,
      history: this.history,
      ...this.nextSpeech(),
      onToken: (piece) => terminal.out(printable(piece)),
      signal,
    });
    terminal.out('\n');
    this.history = [...this.history, { role: 'user', text: user }, { role: 'assistant', text }];
    this.moment = { user, reply: text };
  }

  private async draw(file: string, signal: AbortSignal): Promise<void> {
    const { terminal, folder } = this.context;
    if (this.moment === undefined) {
      terminal.err('There is nothing to draw yet: say something first.\n');
      return;
    }
    const path = fromUser(folder, file || this.freeName());
    const image = await this.engine.illustrate({ ...this.moment, ...this.seed(), signal });
    await writePng(this.core, path, image, this.moment.user);
    terminal.out(`${path}\n`);
  }

  /** Runs one request; an error is shown and the conversation goes on. */
  private async interruptible(lines: Interface, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const working = new AbortController();
    this.working = working;
    lines.pause();
    try {
      await work(working.signal);
    } catch (error) {
      const { terminal } = this.context;
      if (working.signal.aborted) terminal.out(' (stopped)\n');
      else terminal.err(`error: ${describeError(error, false)}\n`);
    } finally {
      this.working = undefined;
      lines.resume();
    }
  }

  /** With a fixed seed every turn gets a seed of its own, so that equal words are not answered equally for ever. */
  private nextSpeech(): Speech {
    this.turn += 1;
    return { ...this.speech, ...this.seed() };
  }

  private seed(): { seed?: number } {
    return this.speech.seed === undefined ? {} : { seed: this.speech.seed + this.turn };
  }

  private freeName(): string {
    for (let index = 1; ; index++) {
      const name = `chat-${String(index).padStart(3, '0')}.png`;
      if (!existsSync(fromUser(this.context.folder, name))) return name;
    }
  }
}
