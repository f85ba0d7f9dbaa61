import { randomInt } from 'node:crypto';
import type { RgbImage, SpokenToken } from '@unicharacter/core';
import type { ChatBody } from './chat-schema.js';
import { type Conversation, readConversation } from './conversation.js';
import type { EngineText, ServedEngine } from './engine/served-engine.js';
import { invalidRequest } from './errors.js';
import { decodeSentPicture } from './sent-picture.js';
import { type PlacedToken, TokensInText } from './spoken-tokens.js';
import { StopText } from './stop-text.js';

/** A chat request in the engine's words. */
export interface ChatRequest {
  conversation: Conversation;
  /** The decoded picture of the user's turn. */
  picture?: RgbImage;
  wants: { text: boolean; image: boolean };
  seed: number;
  temperature?: number;
  maxTokens?: number;
  /** Tell how likely each token was, beside this many of the likeliest. */
  logprobs?: number;
  stops: string[];
  /** Answers wanted; answer i is made with `seed + i`. */
  answers: number;
  delivery: 'images' | 'markdown' | 'both' | 'none';
  drawing: { width?: number; height?: number; steps?: number; cfg?: number };
}

export interface Answer {
  text: string;
  /** The tokens of the text, where their probabilities were asked for. */
  tokens: readonly PlacedToken[];
  image?: RgbImage;
  finish: 'stop' | 'length';
  promptTokens: number;
  completionTokens: number;
}

/** Gets told what happens while the engine works. */
export interface Progress {
  /** Another piece of the reply, and the tokens that begin in it; stop sequences are already taken out. */
  onText(piece: string, tokens: readonly PlacedToken[]): void;
  /** A drawing step is done. */
  onDraw(): void;
}

/** For answers that are sent whole. */
export const SILENT: Progress = { onText: () => {}, onDraw: () => {} };

/** Token counts in OpenAI's words. */
export const usage = ({
  promptTokens,
  completionTokens,
}: Pick<Answer, 'promptTokens' | 'completionTokens'>) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
});

/** Checks what the schema cannot and decodes the picture. @throws ApiError 400 */
export async function readChatRequest(body: ChatBody): Promise<ChatRequest> {
  const conversation = readConversation(body.messages);
  const modalities = body.modalities ?? ['text'];
  const wants = { text: modalities.includes('text'), image: modalities.includes('image') };
  if (conversation.image && wants.image) {
    throw invalidRequest('A request may show a picture or ask for one, not both.', 'modalities');
  }
  if (body.top_logprobs != null && !body.logprobs) {
    throw invalidRequest('Expected "logprobs": true beside "top_logprobs".', 'top_logprobs');
  }
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined;
  const temperature = body.temperature ?? undefined;
  const stops = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
  return {
    conversation,
    ...(conversation.image ? { picture: await decodeSentPicture(conversation.image, 'messages') } : {}),
    wants,
    seed: body.seed ?? randomInt(2 ** 31),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(body.logprobs ? { logprobs: body.top_logprobs ?? 0 } : {}),
    stops: stops.filter((stop) => stop !== ''),
    answers: body.n ?? 1,
    delivery: body.image_delivery ?? 'images',
    drawing: {
      ...(body.width === undefined ? {} : { width: body.width }),
      ...(body.height === undefined ? {} : { height: body.height }),
      ...(body.num_inference_steps === undefined ? {} : { steps: body.num_inference_steps }),
      ...(body.guidance_scale === undefined ? {} : { cfg: body.guidance_scale }),
    },
  };
}

/**
 * Lets the character answer: to a picture, with a picture, or in words.
 * @throws the signal's reason when the client leaves.
 */
export async function answer(
  engine: ServedEngine,
  request: ChatRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<Answer> {
  const { conversation, picture, wants, seed, drawing } = request;
  if (!wants.text) {
    const { image, promptTokens } = await engine.imagine({
      prompt: conversation.user,
      seed,
      ...drawing,
      onStep: () => progress.onDraw(),
      signal,
    });
    return { text: '', tokens: [], image, finish: 'stop', promptTokens, completionTokens: 0 };
  }
  const speech = new Speech(request.stops, progress, signal, !wants.image);
  const options = {
    seed,
    ...(conversation.begin === undefined ? {} : { begin: conversation.begin }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.maxTokens === undefined ? {} : { maxTokens: request.maxTokens }),
    ...(request.logprobs === undefined ? {} : { logprobs: request.logprobs }),
    onToken: (piece: string, token?: SpokenToken) => speech.push(piece, token),
    signal: speech.signal,
  };
  const { user, history } = conversation;
  if (picture) return speech.end(await engine.ask({ image: picture, question: user, ...options }));
  if (!wants.image) return speech.end(await engine.reply({ user, history, ...options }));
  const { reply, image } = await engine.rolePlay({
    user,
    history,
    ...options,
    ...drawing,
    onStep: () => progress.onDraw(),
  });
  return { ...speech.end(reply), image };
}

/** Hands the streamed text on without stop sequences, and stops the engine at the first one. */
class Speech {
  readonly signal: AbortSignal;
  private readonly stopText: StopText;
  private readonly stopper = new AbortController();
  private readonly tokens = new TokensInText();
  private readonly told: PlacedToken[] = [];
  private shown = '';

  constructor(
    stops: readonly string[],
    private readonly progress: Progress,
    private readonly client: AbortSignal,
    private readonly textOnly: boolean,
  ) {
    this.stopText = new StopText(stops);
    this.signal = AbortSignal.any([client, this.stopper.signal]);
  }

  push(piece: string, token: SpokenToken | undefined): void {
    this.tokens.push(piece, token);
    this.show(this.stopText.push(piece));
    if (this.stopText.stopped && this.textOnly) this.stopper.abort();
  }

  end(result: EngineText): Answer {
    this.client.throwIfAborted();
    this.show(this.stopText.finish(), !this.stopText.stopped);
    const { promptTokens, completionTokens } = result;
    const finish = result.finish === 'length' && !this.stopText.stopped ? 'length' : 'stop';
    return { text: this.shown, tokens: this.told, finish, promptTokens, completionTokens };
  }

  /** @param last the text is over: tokens that complete no character belong to it too */
  private show(text: string, last = false): void {
    this.shown += text;
    const tokens = this.tokens.before(last ? Number.POSITIVE_INFINITY : this.shown.length);
    if (text === '' && tokens.length === 0) return;
    this.told.push(...tokens);
    this.progress.onText(text, tokens);
  }
}
