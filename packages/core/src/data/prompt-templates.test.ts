import { describe, expect, it } from 'vitest';
import {
  dialoguePrompt,
  imagePrompt,
  ownTemplates,
  type PromptTemplates,
  parseThinkingAnswer,
  pipelineThinkingPrompt,
  thinkingAnswer,
  thinkingPrompt,
} from './prompt-templates.js';

/** Wording that shows where each sentence goes. */
const marks: PromptTemplates = {
  reply: (name) => `[T1 ${name}]`,
  image: '[T2]',
  plannedImage: '[T3]',
  plan: '[T4]',
  answerSystem: '[P1]',
  imageSystem: '[P2]',
  planSystem: '[P3]\n',
};

const scene = { description: ' A robin. ', user: 'Hi', reply: 'Peep' };

describe('prompt layouts', () => {
  it('keeps the opening line of a dialogue prompt when it is empty', () => {
    const prompt = dialoguePrompt(
      { name: 'Robin', description: ' A robin.\n', opening: ' ', user: 'Hi' },
      marks,
    );
    expect(prompt).toBe('Character Description: A robin.\n\nOpening: \n\nUser Input: Hi\n\n[T1 Robin]');
  });

  it('puts one line per earlier turn before the user input', () => {
    const history = [
      { role: 'user', text: 'Hello' },
      { role: 'Robin', text: 'Peep' },
    ];
    const fields = { name: 'Robin', description: 'A robin.', opening: 'Peep!', user: 'Hi', history };
    expect(dialoguePrompt(fields, marks)).toBe(
      'Character Description: A robin.\n\nOpening: Peep!\n\n' +
        'Conversation History:\nuser: Hello\nRobin: Peep\n\nUser Input: Hi\n\n[T1 Robin]',
    );
    expect(dialoguePrompt({ ...fields, history: [] }, marks)).not.toContain('Conversation History');
  });

  it('asks for pictures without and with a plan', () => {
    const start = 'Character Description: A robin.\n\nUser Input: Hi\n\nCharacter Response: Peep\n\n';
    expect(imagePrompt(scene, marks)).toBe(`${start}[T2]`);
    expect(imagePrompt({ ...scene, thinking: 'T', instruction: 'G' }, marks)).toBe(
      `${start}Thinking Process: T\n\nGeneration Instruction: G\n\n[T3]`,
    );
  });

  it('asks for a plan in the trained layout and in that of the published pipeline', () => {
    const start = 'Character Description: A robin.\n\nUser Input: Hi\n\nCharacter Response: Peep\n\n';
    expect(thinkingPrompt(scene, marks)).toBe(
      `${start}[T2]\n\nSystem Instruction for Thinking and Generation:\n[P3]\n`,
    );
    expect(pipelineThinkingPrompt(scene, marks)).toBe(`[P3]\n\n\n${start}[T4]`);
  });

  it('reads a plan back, and half a plan too', () => {
    const plan = { thinking: 'He is\nproud.', instruction: 'A robin.' };
    expect(thinkingAnswer(plan)).toBe('<think>He is\nproud.</think>\n<gen>A robin.</gen>');
    expect(parseThinkingAnswer(thinkingAnswer(plan))).toEqual(plan);
    expect(parseThinkingAnswer('<gen> a </gen><gen>b</gen><think>open')).toEqual({
      thinking: '',
      instruction: 'a',
    });
  });

  it('has its own planning instruction end with a newline, as the layout expects', () => {
    expect(ownTemplates.planSystem).toMatch(/<gen>.*<\/gen>\n$/);
  });
});
