import type { ChosenToken, TokenProbability } from '@unicharacter/native';
import type { TrainConfig } from '../config/index.js';
import { type Character, ownTemplates, type PromptTemplates, type Turn } from '../data/index.js';
import {
  AbortedError,
  answer,
  draw,
  drawReply,
  type GenerationModels,
  type ImageOptions,
  questionAbout,
  type RequestItem,
  replyRequest,
  Scheduler,
  textItemIds,
} from '../generate/index.js';
import type { RgbImage } from '../image/index.js';
import { decodeImage } from '../image/index.js';

/** How words are made; what is left out comes from the run's configuration. */
export interface TextRequest {
  /** The same seed gives the same words. */
  seed?: number;
  /** 0 always takes the likeliest token. */
  temperature?: number;
  maxTokens?: number;
  /** What the text already begins with: the answer is what follows. */
  begin?: string;
  /** Also tell how likely each token was, and this many of the likeliest in its place. */
  logprobs?: number;
  /**
   * Called with what the text grew by. With `logprobs` also for tokens that complete no character yet, and with the token;
   * the rest of a text that ends inside a character comes without one.
   */
  onToken?: (piece: string, token?: SpokenToken) => void;
  /** Ends the text early; what there is so far is returned with `finish` "aborted". */
  signal?: AbortSignal;
}

/** A token as bytes (a part of a character in UTF-8 for some), and the natural logarithm of its probability. */
export interface TokenLikelihood {
  bytes: number[];
  /** Under softmax(logits), before temperature and nucleus. */
  logprob: number;
}

/** A token of an answer beside the likeliest ones in its place, first the likeliest. */
export interface SpokenToken extends TokenLikelihood {
  top: TokenLikelihood[];
}

/** How a picture is drawn; what is left out comes from the run's configuration. */
export interface DrawRequest {
  /** Pixels. */
  width?: number;
  height?: number;
  seed?: number;
  /** Points of the time grid, at least 2. */
  steps?: number;
  /** Scale of classifier-free guidance; 1 is off. */
  cfg?: number;
  /** Called after each step with the number of finished steps. */
  onStep?: (done: number, steps: number) => void;
  /** Stops drawing: the call rejects with an AbortedError. */
  signal?: AbortSignal;
}

/** Who speaks, as a prompt describes it. */
export type Speaker = Pick<Character, 'name' | 'description' | 'opening'>;

export interface Reply {
  text: string;
  /** `stop`: the character ended the text. `length`: `maxTokens` was reached. `aborted`: the signal stopped it. */
  finish: 'stop' | 'length' | 'aborted';
  promptTokens: number;
  completionTokens: number;
}

export interface Picture {
  image: RgbImage;
  promptTokens: number;
}

/** A trained character that talks, draws and answers questions about pictures (spec 9). Calls that run at the same time share the model. */
export class CharacterEngine {
  private readonly models: GenerationModels;

  /** @param release frees what the models hold; called by `dispose` */
  constructor(
    readonly character: Character,
    models: GenerationModels,
    private readonly defaults: TrainConfig['generate'],
    private readonly release: () => void = () => {},
    /** Wording of prompts; must be what the weights were trained with. */
    private readonly templates: PromptTemplates = ownTemplates,
  ) {
    this.models = { ...models, scheduler: models.scheduler ?? new Scheduler(models) };
  }

  /**
   * The character's answer to `user` (spec 9.2 step 1). `history` holds earlier turns, oldest first. With `as` another one
   * answers, whom the model only knows from this description.
   */
  reply({
    as = this.character,
    ...request
  }: TextRequest & { user: string; history?: readonly Turn[]; as?: Speaker }): Promise<Reply> {
    return this.write(replyRequest({ ...as, ...request }, this.templates), request);
  }

  /** Draws from a plain description. */
  imagine(request: DrawRequest & { prompt: string }): Promise<Picture> {
    return this.draw(request.prompt, request);
  }

  /** Draws the moment of a reply: conditioned on the character, the user's words and the reply (spec 9.2 step 3). */
  async illustrate(request: DrawRequest & { user: string; reply: string }): Promise<RgbImage> {
    const scene = { description: this.character.description, user: request.user };
    const { image } = await drawReply(this.models, scene, request.reply, {
      templates: this.templates,
      image: this.imageOptions(request),
    });
    return image;
  }

  /** One turn of multimodal role-play: the reply, then the picture that goes with it (spec 9.2). */
  async rolePlay(
    request: TextRequest & DrawRequest & { user: string; history?: readonly Turn[] },
  ): Promise<{ reply: Reply; image: RgbImage }> {
    const reply = await this.reply(request);
    const whole = `${request.begin ?? ''}${reply.text}`;
    return { reply, image: await this.illustrate({ ...request, reply: whole }) };
  }

  /**
   * Answers a question about a picture (path or pixels); takes the likeliest words unless a temperature is given.
   * @throws ImageError when the picture cannot be read
   */
  async ask(request: TextRequest & { image: string | RgbImage; question: string }): Promise<Reply> {
    const image = typeof request.image === 'string' ? await decodeImage(request.image) : request.image;
    return this.write(questionAbout(image, request.question), { temperature: 0, ...request });
  }

  /**
   * Answers a question without a picture, as trained on knowledge; takes the likeliest words unless a temperature is given.
   * `context` is a text that is read before the question.
   */
  answer(request: TextRequest & { question: string; context?: string }): Promise<Reply> {
    const texts = [...(request.context === undefined ? [] : [request.context]), request.question];
    return this.write(
      texts.map((text) => ({ kind: 'text', text })),
      { temperature: 0, ...request },
    );
  }

  /** Frees the weights. The engine cannot be used afterwards. */
  dispose(): void {
    this.release();
  }

  private async write(items: readonly RequestItem[], request: TextRequest): Promise<Reply> {
    const { seed, begin, signal, logprobs } = request;
    const { temperature, maxTokens, topP } = { ...this.defaults.text, ...present(request) };
    const promptTokens = this.countText(items);
    let heard = '';
    let tokens = 0;
    try {
      const { text, ids, finish } = await answer(this.models, items, {
        maxTokens,
        temperature,
        topP,
        ...(seed === undefined ? {} : { seed }),
        ...(begin ? { begin } : {}),
        ...(signal ? { signal } : {}),
        ...(logprobs === undefined ? {} : { logprobs }),
        onToken: (piece, token) => {
          heard += piece;
          if (token) tokens += 1;
          const spoken = token && this.spoken(token);
          if (spoken) request.onToken?.(piece, spoken);
          else if (piece !== '') request.onToken?.(piece);
        },
      });
      return { text, finish, promptTokens, completionTokens: ids.length };
    } catch (error) {
      if (!(error instanceof AbortedError)) throw error;
      return { text: heard, finish: 'aborted', promptTokens, completionTokens: tokens };
    }
  }

  private async draw(prompt: string, request: DrawRequest): Promise<Picture> {
    const items: RequestItem[] = [{ kind: 'text', text: prompt }];
    const { image } = await draw(this.models, items, this.imageOptions(request));
    return { image, promptTokens: this.countText(items) };
  }

  private imageOptions({ width, height, seed, steps, cfg, onStep, signal }: DrawRequest): ImageOptions {
    const { guidance, shift, ...defaults } = this.defaults.image;
    return {
      steps: steps ?? defaults.steps,
      shift,
      guidance: cfg === undefined ? guidance : { ...guidance, text: cfg },
      ...(width === undefined ? {} : { width }),
      ...(height === undefined ? {} : { height }),
      ...(seed === undefined ? {} : { seed }),
      ...(onStep ? { onStep } : {}),
      ...(signal ? { signal } : {}),
    };
  }

  /** The token as bytes; undefined where no probabilities were asked for. */
  private spoken({ id, logprob, top = [] }: ChosenToken): SpokenToken | undefined {
    if (logprob === undefined) return undefined;
    const likelihood = (token: TokenProbability): TokenLikelihood => ({
      bytes: [...this.models.tokenizer.bytes(token.id)],
      logprob: token.logprob,
    });
    return { ...likelihood({ id, logprob }), top: top.map(likelihood) };
  }

  private countText(items: readonly RequestItem[]): number {
    return items.reduce(
      (sum, item) => sum + (item.kind === 'text' ? textItemIds(this.models.tokenizer, item.text).length : 0),
      0,
    );
  }
}

/** The values of a request that are given. */
function present({ temperature, maxTokens }: TextRequest): { temperature?: number; maxTokens?: number } {
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
  };
}
