/** Texts that are empty, there twice, contradict each other, or refer to nothing. */

import type { Character, Origin } from '../character.js';
import { type Finding, normalised } from './finding.js';

type Report = (severity: Finding['severity'], origin: Origin | undefined, message: string) => void;

export function checkTexts(character: Character): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (severity, origin, message) => {
    const { file, field } = origin ?? { file: character.source, field: '' };
    findings.push({ severity, file, field, message });
  };
  if (character.description.trim() === '') {
    report('error', undefined, 'the description is empty; every prompt begins with it');
  }
  checkEmpty(character, report);
  checkDialogues(character, report);
  checkQuestions(character.knowledge, () => '', report);
  checkQuestions(character.vqa, (qa) => qa.imageId, report);
  checkReferences(character, report);
  return findings;
}

function checkEmpty(character: Character, report: Report): void {
  const talk = [...character.dialogues, ...character.scenes, ...character.heldOut.dialogues];
  for (const { user, reply, origin } of talk) {
    if (user.trim() === '') report('error', origin, 'the user says nothing');
    if (reply.trim() === '') report('error', origin, 'the reply is empty');
  }
  for (const { question, answer, origin } of [...character.knowledge, ...character.vqa]) {
    if (question.trim() === '') report('error', origin, 'the question is empty');
    if (answer.trim() === '') report('error', origin, 'the answer is empty');
  }
  for (const { instruction, origin } of character.t2i) {
    if (instruction.trim() === '') report('error', origin, 'the drawing instruction is empty');
  }
}

function checkDialogues(character: Character, report: Report): void {
  const replies = new Set<string>();
  const prompts = new Set<string>();
  for (const { user, reply, history, origin } of character.dialogues) {
    const prompt = JSON.stringify([history ?? [], normalised(user)]);
    const pair = `${prompt}\n${normalised(reply)}`;
    if (replies.has(pair)) report('warning', origin, `the same dialogue is there twice: "${short(user)}"`);
    replies.add(pair);
    prompts.add(prompt);
  }
  for (const { user, reply } of character.scenes) {
    const prompt = JSON.stringify([[], normalised(user)]);
    prompts.add(prompt);
    replies.add(`${prompt}\n${normalised(reply)}`);
  }
  for (const { user, reply, history, origin } of character.heldOut.dialogues) {
    const prompt = JSON.stringify([history ?? [], normalised(user)]);
    if (replies.has(`${prompt}\n${normalised(reply)}`)) {
      report('warning', origin, `a test dialogue is also trained on: "${short(user)}"`);
    } else if (prompts.has(prompt)) {
      report('info', origin, `what the user says in this test dialogue is also trained on: "${short(user)}"`);
    }
  }
}

interface Question {
  question: string;
  answer: string;
  origin?: Origin;
}

/** @param about questions about different things may be the same and have different answers */
function checkQuestions<Q extends Question>(
  questions: Q[],
  about: (question: Q) => string,
  report: Report,
): void {
  const answers = new Map<string, Q>();
  for (const current of questions) {
    const key = `${about(current)}\n${normalised(current.question)}`;
    const first = answers.get(key);
    if (!first) {
      answers.set(key, current);
    } else if (normalised(first.answer) === normalised(current.answer)) {
      report('info', current.origin, `the same question is there twice: "${short(current.question)}"`);
    } else {
      const place = first.origin ? ` (first at ${first.origin.field})` : '';
      report(
        'warning',
        current.origin,
        `two answers to one question${place}: "${short(current.question)}" - ` +
          `"${short(first.answer)}" and "${short(current.answer)}"`,
      );
    }
  }
}

function checkReferences(character: Character, report: Report): void {
  const ids = new Set(character.images.map((image) => image.id));
  const records = [...character.scenes, ...character.vqa, ...character.t2i];
  for (const { imageId, origin } of records) {
    if (!ids.has(imageId)) report('error', origin, `there is no picture "${imageId}"`);
  }
  const used = new Set(records.map((record) => record.imageId));
  for (const { id, path } of character.images) {
    if (!used.has(id))
      report('warning', { file: path, field: '' }, 'no scene, question or instruction uses it');
  }
  const unplanned = character.scenes.filter((scene) => !scene.thinking || !scene.instruction);
  if (unplanned.length > 0 && unplanned.length < character.scenes.length) {
    report(
      'info',
      unplanned[0]?.origin,
      `${unplanned.length} of ${character.scenes.length} scenes have no plan`,
    );
  }
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
