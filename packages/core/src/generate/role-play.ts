import {
  dialoguePrompt,
  imagePrompt,
  ownTemplates,
  type PromptTemplates,
  parseThinkingAnswer,
  type Turn,
  thinkingPrompt,
} from '../data/index.js';
import type { RgbImage } from '../image/index.js';
import type { GenerationModels, RequestItem } from './contexts.js';
import type { ImageOptions } from './generate-image.js';
import type { TextOptions } from './generate-text.js';
import { answer, draw } from './requests.js';

/** The character that speaks, and what was said before. */
export interface RolePlayScene {
  readonly name: string;
  readonly description: string;
  readonly opening: string;
  readonly history?: readonly Turn[];
  readonly user: string;
  /** A picture that comes with the user's words; read before them. */
  readonly image?: RgbImage;
}

export interface RolePlayOptions {
  /** Decoding of the reply; sampled at 0.7, up to 500 tokens when absent (spec 5.6). */
  readonly reply?: Partial<TextOptions>;
  /** Decoding of the plan; greedy, up to 1000 tokens when absent (spec 9.2). */
  readonly plan?: Partial<TextOptions>;
  readonly image?: ImageOptions;
  /** Plan the picture in words before it is drawn. */
  readonly thinking?: boolean;
  readonly templates?: PromptTemplates;
}

export interface RolePlay {
  readonly reply: string;
  readonly image: RgbImage;
  /** The plan of the picture; null without thinking. */
  readonly plan: { readonly thinking: string; readonly instruction: string } | null;
}

/** The character's reply to the user (spec 9.2 step 1). */
export async function replyInRole(
  models: GenerationModels,
  scene: RolePlayScene,
  { reply, templates = ownTemplates }: RolePlayOptions = {},
): Promise<string> {
  const prompt = dialoguePrompt({ ...scene, history: [...(scene.history ?? [])] }, templates);
  const items: RequestItem[] = [
    ...(scene.image ? [{ kind: 'image', image: scene.image } as const] : []),
    { kind: 'text', text: prompt },
  ];
  const { text } = await answer(models, items, { temperature: 0.7, maxTokens: 500, ...reply });
  return text;
}

/**
 * The picture that goes with a reply (spec 9.2 steps 2 and 3): conditioned on the character's description, what the user
 * said and the reply; with `thinking` also on a plan that the model writes first, in the layout it was trained on.
 */
export async function drawReply(
  models: GenerationModels,
  { description, user }: Pick<RolePlayScene, 'description' | 'user'>,
  reply: string,
  options: RolePlayOptions = {},
): Promise<Pick<RolePlay, 'image' | 'plan'>> {
  const { templates = ownTemplates } = options;
  const fields = { description, user, reply };
  let plan: RolePlay['plan'] = null;
  if (options.thinking) {
    const request: RequestItem[] = [{ kind: 'text', text: thinkingPrompt(fields, templates) }];
    plan = parseThinkingAnswer((await answer(models, request, { maxTokens: 1000, ...options.plan })).text);
  }
  const prompt = imagePrompt(plan ? { ...fields, ...plan } : fields, templates);
  const { image } = await draw(models, [{ kind: 'text', text: prompt }], options.image);
  return { image, plan };
}

/** One turn of multimodal role-play: the reply, then the picture that goes with it. */
export async function rolePlay(
  models: GenerationModels,
  scene: RolePlayScene,
  options: RolePlayOptions = {},
): Promise<RolePlay> {
  const reply = await replyInRole(models, scene, options);
  return { reply, ...(await drawReply(models, scene, reply, options)) };
}
