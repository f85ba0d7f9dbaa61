/**
 * Prompt layouts of role-play, picture and planning requests (spec 6.8 and 9.2).
 *
 * The labels ("Character Description:" …) are part of the layout. The sentences that end a prompt are the project's own
 * wording; a published checkpoint was trained on other sentences, which is why they sit behind `PromptTemplates`.
 */

import type { Turn } from './character.js';

/** The replaceable sentences. Names in brackets are those of the specification's appendix P. */
export interface PromptTemplates {
  /** [T1] asks for the reply of `name`; ends a dialogue prompt. */
  reply(name: string): string;
  /** [T2] asks for the picture of a scene; ends an image prompt without a plan. */
  image: string;
  /** [T3] asks for the picture of a scene that has been planned; ends an image prompt with a plan. */
  plannedImage: string;
  /** [T4] asks for a plan; ends the planning prompt of the published pipeline only. */
  plan: string;
  /** [P1] system prompt: think before answering a question. */
  answerSystem: string;
  /** [P2] system prompt: think before drawing. */
  imageSystem: string;
  /** [P3] system prompt: how a plan is written down. Ends with a newline. */
  planSystem: string;
}

/** The project's own wording: short, because every word of it is read again in every sample. */
export const ownTemplates: PromptTemplates = {
  reply: (name) => `Answer as ${name}.`,
  image: 'Draw this moment.',
  plannedImage: 'Draw this moment as planned.',
  plan: 'Plan the picture of this moment.',
  answerSystem:
    'Think about the question first and write your thoughts between <think> and </think>. Give the answer after them.',
  imageSystem:
    'Think about the picture first and write your thoughts between <think> and </think>. Draw it after them.',
  planSystem: [
    'Plan the picture before drawing it.',
    'Write the plan between <think> and </think>.',
    'Then write what to draw between <gen> and </gen>: who, pose, face, place, view and style, in one sentence.',
    'Write it like this:',
    '<think>plan</think>',
    '<gen>what to draw</gen>',
    '',
  ].join('\n'),
};

export interface DialogueFields {
  name: string;
  description: string;
  opening: string;
  user: string;
  /** Turns before this one, oldest first. The history block is left out when there are none. */
  history?: Turn[];
}

/** Prompt of a role-play reply. Description and opening are stripped; the opening line stays when it is empty. */
export function dialoguePrompt(fields: DialogueFields, templates: PromptTemplates = ownTemplates): string {
  const turns = fields.history ?? [];
  const lines = turns.map((turn) => `${turn.role}: ${turn.text}\n`).join('');
  const history = turns.length > 0 ? `Conversation History:\n${lines}\n` : '';
  return (
    `Character Description: ${fields.description.trim()}\n\nOpening: ${fields.opening.trim()}\n\n` +
    `${history}User Input: ${fields.user}\n\n${templates.reply(fields.name)}`
  );
}

export interface SceneFields {
  description: string;
  user: string;
  reply: string;
}

export interface PlannedSceneFields extends SceneFields {
  thinking: string;
  instruction: string;
}

/** A character's profile as a text of its own, to be read before a question. */
export function profileText(description: string): string {
  return `Character Description: ${description.trim()}`;
}

/** Prompt of the picture that goes with a reply; with a plan when `thinking` and `instruction` are given. */
export function imagePrompt(
  fields: SceneFields | PlannedSceneFields,
  templates: PromptTemplates = ownTemplates,
): string {
  if (!('thinking' in fields)) return sceneLayout(fields) + templates.image;
  const plan = `Thinking Process: ${fields.thinking}\n\nGeneration Instruction: ${fields.instruction}\n\n`;
  return sceneLayout(fields) + plan + templates.plannedImage;
}

/** Prompt that asks for a plan, in the layout that the planning task trains on (spec 6.8, `vlm_thinking`). */
export function thinkingPrompt(fields: SceneFields, templates: PromptTemplates = ownTemplates): string {
  return (
    `${sceneLayout(fields)}${templates.image}\n\n` +
    `System Instruction for Thinking and Generation:\n${templates.planSystem}`
  );
}

/**
 * Prompt that asks for a plan, in the layout of the published inference pipeline (spec 9.2 step 2). It differs from
 * the trained layout; `thinkingPrompt` is the better choice except when that pipeline must be reproduced exactly.
 */
export function pipelineThinkingPrompt(
  fields: SceneFields,
  templates: PromptTemplates = ownTemplates,
): string {
  return `${templates.planSystem}\n\n${sceneLayout(fields)}${templates.plan}`;
}

/** The answer to a planning prompt, as the planning task trains it. */
export function thinkingAnswer(plan: { thinking: string; instruction: string }): string {
  return `<think>${plan.thinking}</think>\n<gen>${plan.instruction}</gen>`;
}

/** Reads a planning answer back: the first `<think>` and `<gen>` spans, trimmed, '' where one is absent (spec 9.2). */
export function parseThinkingAnswer(text: string): { thinking: string; instruction: string } {
  const span = (pattern: RegExp): string => pattern.exec(text)?.[1]?.trim() ?? '';
  return { thinking: span(/<think>([\s\S]*?)<\/think>/), instruction: span(/<gen>([\s\S]*?)<\/gen>/) };
}

function sceneLayout(fields: SceneFields): string {
  return (
    `Character Description: ${fields.description.trim()}\n\nUser Input: ${fields.user}\n\n` +
    `Character Response: ${fields.reply}\n\n`
  );
}
