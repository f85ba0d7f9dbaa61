/** One training sample about one random character of the toy world. */
import type { ChoiceQuestion, ImageRef } from '../data/character.js';
import { listedQuestion } from '../data/listed-question.js';
import {
  dialoguePrompt,
  imagePrompt,
  profileText,
  thinkingAnswer,
  thinkingPrompt,
} from '../data/prompt-templates.js';
import type { Item, Task, TaskSample } from '../data/tasks.js';
import { isReservedLook, type ToyCharacter, type ToySizes, toyCharacter } from '../data/toy-world/index.js';

/** What a sample needs of a character: one picture, a few questions, one exchange. */
const SIZES: ToySizes = {
  trainScenes: 1,
  testScenes: 0,
  dialogues: 1,
  knowledge: 4,
  knowledgeChoices: 0,
  prompts: 0,
};

/** Open questions about a picture in one sample, beside one with options: its patches are read once for all of them. */
const QUESTIONS = 4;

/**
 * Draws of noise and time for a picture in one sample. A picture to be drawn is hidden from what follows and does not
 * advance the position (spec 2.7, 2.8), so each copy learns under exactly the prompt, which is read once for all.
 */
const NOISES = 4;

/** The character number `index` of a pre-training world, or undefined where its look is kept for the evaluation. */
export function worldCharacter(seed: number, index: number): ToyCharacter | undefined {
  const character = toyCharacter(seed, index, SIZES);
  return isReservedLook(character.look) ? undefined : character;
}

/** The sample of a task; its only picture, where it has one, is `image`, that of the character's first scene. */
export function toyTask(task: Task, id: string, character: ToyCharacter, image: ImageRef): TaskSample {
  return { id, task, items: itemsOf(task, character, image) };
}

function itemsOf(task: Task, character: ToyCharacter, image: ImageRef): Item[] {
  const { persona, description } = character;
  const { words, questions, choices } = character.train[0]!;
  const scene = { description, user: words.user, reply: words.reply };
  switch (task) {
    case 't2i_instruction':
      return draw(words.instruction, image);
    case 't2i':
      return draw(imagePrompt(scene), image);
    case 't2i_with_thinking':
      return draw(imagePrompt({ ...words, description }), image);
    case 'vqa': {
      // The age is as good as random here: attributes come first in the list, yes-or-no questions at its end.
      const from = persona.age % Math.max(1, questions.length - QUESTIONS + 1);
      const asked = questions.slice(from, from + QUESTIONS);
      return [
        { kind: 'vit', image },
        ...asked.flatMap((qa) => exchange(qa.question, qa.answer)),
        ...choices.slice(0, 1).flatMap(choiceExchange),
      ];
    }
    case 'dialogue': {
      const { user, reply } = character.dialogues[0]!;
      return exchange(dialoguePrompt({ name: persona.name, description, opening: '', user }), reply);
    }
    case 'knowledge_qa':
      return [
        { kind: 'text', text: profileText(description), loss: false },
        ...character.knowledge.flatMap((qa) => exchange(qa.question, qa.answer)),
      ];
    case 'thinking':
      return exchange(thinkingPrompt(scene), thinkingAnswer(words));
  }
}

function draw(prompt: string, image: ImageRef): Item[] {
  const copies = Array.from({ length: NOISES }, (): Item => ({ kind: 'vae', image, loss: true }));
  return [{ kind: 'text', text: prompt, loss: false, droppable: true }, ...copies];
}

function choiceExchange({ question, options, answer }: ChoiceQuestion): Item[] {
  return exchange(listedQuestion(question, Object.values(options)), options[answer]!);
}

function exchange(prompt: string, reply: string): Item[] {
  return [
    { kind: 'text', text: prompt, loss: false },
    { kind: 'text', text: reply, loss: true },
  ];
}
