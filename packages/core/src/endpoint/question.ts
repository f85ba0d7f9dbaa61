import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Static, TSchema } from 'typebox';
import { hashBytes } from '../tensor-io/content-hash.js';
import { answerProblems } from './answer-schema.js';

/** One thing that is asked of a chat model, and what an answer has to look like. */
export interface Question<Answer = unknown> {
  /** Name of the stored answer; letters, digits and `. _ -`. */
  readonly id: string;
  readonly system: string;
  readonly text: string;
  /** Paths of the pictures that are shown, in order. */
  readonly images: readonly string[];
  /** Shape of the answer: an object. */
  readonly schema: TSchema;
  /** What is wrong with an answer of the right shape, in words that the model can act on. */
  check?(answer: Answer): readonly string[];
  /** Tokens of a usual answer, for estimates. */
  readonly answerTokens: number;
}

/** A question whose answer has the shape of its schema. */
export function question<S extends TSchema>(
  asked: Omit<Question<Static<S>>, 'schema'> & { schema: S },
): Question<Static<S>> {
  return asked;
}

/** What is wrong with an answer, in shape or in content; empty when it can be used. */
export function problemsOf<Answer>({ schema, check }: Question<Answer>, answer: unknown): readonly string[] {
  const problems = answerProblems(schema, answer);
  return problems.length > 0 ? problems : (check?.(answer as Answer) ?? []);
}

/** Identifies what is asked, of which model, by content: an answer counts as long as this stays the same. */
export function questionHash({ system, text, images, schema }: Question, model: string): string {
  const pictures = images.map((path) => hashBytes(readFileSync(path)));
  const content = JSON.stringify({ model, system, text, pictures, schema });
  return createHash('sha256').update(content).digest('hex');
}
