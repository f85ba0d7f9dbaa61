import {
  dialoguePrompt,
  imagePrompt,
  ownTemplates,
  type PromptTemplates,
  parseThinkingAnswer,
  pipelineThinkingPrompt,
  type Turn,
  thinkingPrompt,
} from '../data/index.js';
import type { RgbImage } from '../image/index.js';
import { type CompatibilitySetting, compatibility } from './compatibility.js';
import type { GenerationModels, RequestItem } from './contexts.js';
import type { ImageOptions } from './generate-image.js';
import { answer, draw } from './requests.js';
import type { TextOptions } from './text-row.js';

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

export interface DrawReplyOptions {
  /** Decoding of the plan; greedy, up to 1000 tokens when absent (spec 9.2). */
  readonly plan?: Partial<TextOptions>;
  readonly image?: ImageOptions;
  /** Plan the picture in words before it is drawn. */
  readonly thinking?: boolean;
  readonly templates?: PromptTemplates;
  readonly compat?: CompatibilitySetting;
}

/** A picture of a moment. */
export interface DrawnReply {
  readonly image: RgbImage;
  /** The plan of the picture; null without thinking. */
  readonly plan: { readonly thinking: string; readonly instruction: string } | null;
}

/** What the model reads before it replies to the user: a picture, if one came, then the prompt (spec 9.2 step 1). */
export function replyRequest(scene: RolePlayScene, templates: PromptTemplates = ownTemplates): RequestItem[] {
  const text = dialoguePrompt({ ...scene, history: [...(scene.history ?? [])] }, templates);
  return [...(scene.image ? [{ kind: 'image', image: scene.image } as const] : []), { kind: 'text', text }];
}

/**
 * The picture that goes with a reply (spec 9.2 steps 2 and 3): conditioned on the character's description, what the user
 * said and the reply; with `thinking` also on a plan that the model writes first, in the layout it was trained on.
 */
export async function drawReply(
  models: GenerationModels,
  { description, user }: Pick<RolePlayScene, 'description' | 'user'>,
  reply: string,
  options: DrawReplyOptions = {},
): Promise<DrawnReply> {
  const { templates = ownTemplates, compat = 'default' } = options;
  const fields = { description, user, reply };
  let plan: DrawnReply['plan'] = null;
  if (options.thinking) {
    const planPrompt = compatibility(compat).scriptPlanPrompt ? pipelineThinkingPrompt : thinkingPrompt;
    const request: RequestItem[] = [{ kind: 'text', text: planPrompt(fields, templates) }];
    const { text } = await answer(models, request, { maxTokens: 1000, compat, ...options.plan });
    plan = parseThinkingAnswer(text);
  }
  const prompt = imagePrompt(plan ? { ...fields, ...plan } : fields, templates);
  const { image } = await draw(models, [{ kind: 'text', text: prompt }], { compat, ...options.image });
  return { image, plan };
}
