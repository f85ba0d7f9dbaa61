import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { DataError } from '../data/errors.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import type { Answered, Usage } from './chat-endpoint.js';
import { problemsOf, type Question, questionHash } from './question.js';

const StoredAnswer = Type.Object({
  /** Hash of what was asked. */
  question: Type.String(),
  model: Type.String(),
  /** Hash of the answer as it came: tells whether somebody has changed it since. */
  unchanged: Type.String(),
  usage: Type.Object({ inputTokens: Type.Number(), outputTokens: Type.Number() }),
  answer: Type.Unknown(),
});

/** An answer that is there already. */
export interface KnownAnswer<Answer> {
  readonly answer: Answer;
  /** Changed by hand since it came. */
  readonly edited: boolean;
  readonly usage: Usage;
}

/**
 * Answers as files, one for each question, readable and editable. An answer counts as long as the same is asked of the same
 * model. One that was changed by hand is kept whatever is asked, or asked for again where edits are no use (`discard`).
 */
export class AnswerStore {
  constructor(
    readonly folder: string,
    private readonly model: string,
    private readonly edits: 'keep' | 'discard',
  ) {}

  /**
   * The answer to a question, if it is there.
   * @throws DataError naming the file, when it was changed by hand into something that cannot be used
   */
  find<Answer>(question: Question<Answer>): KnownAnswer<Answer> | undefined {
    const file = this.#path(question);
    if (!existsSync(file)) return undefined;
    const stored = parsed(readFileSync(file, 'utf8'));
    if (!Value.Check(StoredAnswer, stored)) {
      if (this.edits === 'discard') return undefined;
      throw unusable(
        file,
        'a stored answer in JSON, with the fields question, model, unchanged, usage and answer',
      );
    }
    const edited = stored.unchanged !== hashOf(stored.answer);
    if (edited && this.edits === 'discard') return undefined;
    if (!edited && stored.question !== questionHash(question, this.model)) return undefined;
    const problems = problemsOf(question, stored.answer);
    if (problems.length > 0) {
      if (!edited) return undefined;
      throw unusable(file, 'an answer that can be used', problems.join('; '));
    }
    return { answer: stored.answer as Answer, edited, usage: stored.usage };
  }

  add<Answer>(question: Question<Answer>, { answer, usage }: Answered<Answer>): void {
    const { model } = this;
    const stored = {
      question: questionHash(question, model),
      model,
      unchanged: hashOf(answer),
      usage,
      answer,
    };
    writeFileAtomic(this.#path(question), `${JSON.stringify(stored, null, 2)}\n`);
  }

  #path({ id }: Question): string {
    return join(this.folder, `${id}.json`);
  }
}

/** Spacing does not count as a change. */
const hashOf = (answer: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(answer) ?? '')
    .digest('hex')
    .slice(0, 16);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unusable = (file: string, expected: string, found = 'something else') =>
  new DataError({
    file,
    path: '/answer',
    expected,
    found,
    advice: 'correct the file, or delete it to have the question asked again',
  });
