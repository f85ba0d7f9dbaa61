import type { Subject } from '../subject.js';
import { generalTasks } from './general-tasks.js';
import { knowledgeTasks, vqaTasks } from './question-tasks.js';
import type { Family, PictureTask, ReplyTask, RolePlayTask, Task } from './task.js';

export interface PlanOptions {
  readonly families: readonly Family[];
  /** Pictures drawn for each prompt, with different seeds. */
  readonly imagesPerPrompt: number;
  /** At most that many prompts or questions of each kind; 0 takes all. */
  readonly limit: number;
  readonly seed: number;
}

/**
 * Everything that an evaluation asks of a character, in a fixed order. Prompts of pictures are those of the test split, or of
 * the training pictures when there is none. General tasks are for the toy world only.
 */
export function planTasks(subject: Subject, { families, imagesPerPrompt, limit, seed }: PlanOptions): Task[] {
  const { character, truth, pictureSide } = subject;
  const some = <T>(items: readonly T[]) => (limit > 0 ? items.slice(0, limit) : items);
  const plans: Readonly<Record<Family, () => readonly Task[]>> = {
    knowledge: () => firstOfKinds(knowledgeTasks(subject, seed), limit),
    vqa: () => firstOfKinds(vqaTasks(subject, seed), limit),
    pictures: () => pictureTasks(subject, some, imagesPerPrompt, seed),
    replies: () => replyTasks(subject, some, seed),
    consistency: () => rolePlayTasks(subject, some, seed),
    general: () => (truth ? firstOfKinds(generalTasks(character.name, pictureSide, seed), limit) : []),
  };
  return families.flatMap((family) => plans[family]());
}

/** The first `limit` questions of each kind: the id up to its number. */
function firstOfKinds<T extends Task>(tasks: readonly T[], limit: number): readonly T[] {
  if (limit === 0) return tasks;
  const taken = new Map<string, number>();
  return tasks.filter(({ id }) => {
    const kind = id.replace(/-\d.*$/, '');
    const count = (taken.get(kind) ?? 0) + 1;
    taken.set(kind, count);
    return count <= limit;
  });
}

type Some = <T>(items: readonly T[]) => readonly T[];

function pictureTasks({ character, test }: Subject, some: Some, count: number, seed: number): PictureTask[] {
  return some((test ?? character).t2i).flatMap(({ imageId, instruction }) =>
    Array.from({ length: count }, (_, i) => ({
      kind: 'picture',
      family: 'pictures',
      id: `picture-${imageId}-${i + 1}`,
      prompt: instruction,
      imageId,
      seed: seed + i,
    })),
  );
}

function replyTasks({ character: { heldOut } }: Subject, some: Some, seed: number): ReplyTask[] {
  const common = { kind: 'reply', family: 'replies', seed } as const;
  const dialogues = some(heldOut.dialogues).map(({ user, reply }, i): ReplyTask => {
    return { ...common, id: `dialogue-${i + 1}`, set: 'dialogue', user, reference: reply };
  });
  const asked = (set: 'personality' | 'memorization') =>
    some(heldOut[set]).map((user, i): ReplyTask => ({ ...common, id: `${set}-${i + 1}`, set, user }));
  return [...dialogues, ...asked('personality'), ...asked('memorization')];
}

function rolePlayTasks({ character, test }: Subject, some: Some, seed: number): RolePlayTask[] {
  return some((test ?? character).scenes).map(({ imageId, user }) => ({
    kind: 'role_play',
    family: 'consistency',
    id: `role-play-${imageId}`,
    user,
    imageId,
    seed,
  }));
}
