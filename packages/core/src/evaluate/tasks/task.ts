/** One thing that the character is asked to do. JSON values only: a task is stored with its result. */
export type Task = QuestionTask | ReplyTask | PictureTask | RolePlayTask | GeneralTask;

/** What a family of tasks measures; the unit in which an evaluation is chosen. */
export const FAMILIES = ['knowledge', 'vqa', 'pictures', 'replies', 'consistency', 'general'] as const;
export type Family = (typeof FAMILIES)[number];

/** A question with a known answer, about the character or about a picture. */
export interface QuestionTask {
  readonly kind: 'question';
  readonly family: 'knowledge' | 'vqa';
  readonly id: string;
  /** As it is put, with the options listed below it where `listed`. */
  readonly question: string;
  readonly gold: string;
  /** The options in the order in which they are listed. */
  readonly options?: readonly string[];
  /** The options stand in the question; otherwise it is open. */
  readonly listed: boolean;
  /** Path of the picture that is asked about. */
  readonly image?: string;
}

export const REPLY_SETS = ['dialogue', 'personality', 'memorization'] as const;

/** Something said to the character, whose reply is judged. */
export interface ReplyTask {
  readonly kind: 'reply';
  readonly family: 'replies';
  readonly id: string;
  readonly set: (typeof REPLY_SETS)[number];
  readonly user: string;
  /** How the data answers; absent where it only asks. */
  readonly reference?: string;
  readonly seed: number;
}

/** A picture drawn from an instruction. Pictures of one `prompt` form a group. */
export interface PictureTask {
  readonly kind: 'picture';
  readonly family: 'pictures';
  readonly id: string;
  readonly prompt: string;
  /** Picture of the data that the instruction describes. */
  readonly imageId: string;
  readonly seed: number;
}

/** A reply and the picture that goes with it. */
export interface RolePlayTask {
  readonly kind: 'role_play';
  readonly family: 'consistency';
  readonly id: string;
  readonly user: string;
  readonly imageId: string;
  readonly seed: number;
}

/** What any base of the toy world can do with characters that are described to it. */
export type GeneralTask = GeneralPictureTask | GeneralQuestionTask | GeneralReplyTask;

/** A described character in a described scene. */
export interface GeneralPictureTask {
  readonly kind: 'general_picture';
  readonly family: 'general';
  readonly id: string;
  readonly prompt: string;
  /** Attributes that the picture has to show. */
  readonly shows: Readonly<Record<string, string>>;
  readonly seed: number;
}

/** A question about a picture of another character. */
export interface GeneralQuestionTask {
  readonly kind: 'general_question';
  readonly family: 'general';
  readonly id: string;
  readonly question: string;
  readonly gold: string;
  /** Number of the character whose picture is drawn to be asked about, and its side in pixels. */
  readonly character: number;
  readonly side: number;
}

/** Something said to another character, known from its description alone. */
export interface GeneralReplyTask {
  readonly kind: 'general_reply';
  readonly family: 'general';
  readonly id: string;
  readonly character: { readonly name: string; readonly description: string; readonly opening: string };
  /** Words that its replies begin with, and what it calls people. */
  readonly style: { readonly opener: string; readonly address: string };
  readonly user: string;
  readonly reference: string;
  readonly seed: number;
}

/** What the character did. `picture` is a path relative to the evaluation's folder. */
export interface TaskResult {
  readonly text?: string;
  readonly picture?: string;
}

export interface FinishedTask<T extends Task = Task> {
  readonly task: T;
  readonly result: TaskResult;
}

/** The finished tasks of one kind. */
export function ofKind<K extends Task['kind']>(finished: readonly FinishedTask[], kind: K) {
  return finished.filter(({ task }) => task.kind === kind) as FinishedTask<Extract<Task, { kind: K }>>[];
}
