/**
 * The character: everything that a data folder says about one persona, in the one shape that the rest of the
 * package works with. Readers (RoleScape folder, plain folder) fill it, `tasks.ts` turns it into training samples.
 */

/** Where a record was read from: the file and the JSON pointer inside it. Only used to name places in messages. */
export interface Origin {
  file: string;
  /** JSON pointer (`/scenes/3/1/text`), or `line 12` for line-oriented files. */
  field: string;
}

/** One picture of the character. `id` is the file name without its extension. */
export interface ImageRef {
  id: string;
  path: string;
}

export interface Turn {
  role: string;
  text: string;
}

/** What the user says and what the character answers; `history` holds the turns before, oldest first. */
export interface Dialogue {
  user: string;
  reply: string;
  history?: Turn[];
  origin?: Origin;
}

/** A dialogue turn that belongs to a picture, optionally with the plan that leads from the words to the picture. */
export interface Scene {
  imageId: string;
  user: string;
  reply: string;
  thinking?: string;
  instruction?: string;
  origin?: Origin;
}

/** A question about one picture. Objective answers can be checked in the picture, subjective ones are impressions. */
export interface VisualQuestion {
  imageId: string;
  question: string;
  answer: string;
  kind: 'objective' | 'subjective';
  origin?: Origin;
}

/** A question about the character that needs no picture. */
export interface KnowledgeQuestion {
  question: string;
  answer: string;
  origin?: Origin;
}

/** What to draw, in plain words, for one picture. */
export interface ImagePrompt {
  imageId: string;
  instruction: string;
  origin?: Origin;
}

/** A multiple-choice question for evaluation. `answer` is a key of `options`; `imageId` is set when it is about a picture. */
export interface ChoiceQuestion {
  id: string;
  question: string;
  options: Record<string, string>;
  answer: string;
  imageId?: string;
  origin?: Origin;
}

/** Records that must never be trained on. */
export interface HeldOut {
  dialogues: Dialogue[];
  knowledgeChoices: ChoiceQuestion[];
  sceneChoices: ChoiceQuestion[];
  personality: string[];
  memorization: string[];
}

export interface Character {
  name: string;
  description: string;
  opening: string;
  images: ImageRef[];
  dialogues: Dialogue[];
  scenes: Scene[];
  vqa: VisualQuestion[];
  knowledge: KnowledgeQuestion[];
  t2i: ImagePrompt[];
  heldOut: HeldOut;
  /** Free text about the character, as found beside the data. */
  profile?: string;
  /** The short version of `profile` that only describes personality and way of speaking. */
  personalityProfile?: string;
  /** The folder this character was read from. */
  source: string;
}

export function emptyHeldOut(): HeldOut {
  return { dialogues: [], knowledgeChoices: [], sceneChoices: [], personality: [], memorization: [] };
}
