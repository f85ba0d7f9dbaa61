import { setTimeout as sleep } from 'node:timers/promises';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { postJson, RequestFailure } from '../../http/post-json.js';
import { publicUrl } from '../../http/public-url.js';
import { type Backoff, retryDelay } from '../../http/retry-delay.js';
import { encodePng } from '../../image/index.js';
import { toBytes } from '../pictures/float-image.js';
import {
  RewardError,
  type RewardModel,
  type RewardSample,
  type RewardScores,
  type Scorer,
  type TextRewardModel,
  type TextRewardSample,
} from '../reward-model.js';
import { CircuitBreaker } from './circuit-breaker.js';

export interface HttpRewardOptions {
  /** Where samples are posted to. */
  readonly url: string;
  /** Name of the term. */
  readonly name: string;
  /** Sent with every request, such as an authorisation; never logged. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Samples per request. Default 16. */
  readonly batchSize?: number;
  /** Longest wait for one answer. Default 60 000. */
  readonly timeoutMs?: number;
  /** Attempts per request. Default 4. */
  readonly attempts?: number;
  /** Waits between attempts. Default 500 ms, doubled each time, at most 30 s. */
  readonly backoff?: Backoff;
  /** Failures in a row, over all requests, after which the service is not asked any more. Default 8. */
  readonly breakAfter?: number;
  /** How long it is then left alone. Default 60 000. */
  readonly coolDownMs?: number;
  /**
   * What becomes of samples that the service does not score: an error (default) that fails the training step, or this
   * score for all of them, which details then mark as `unavailable`.
   */
  readonly whenUnavailable?: 'fail' | number;
}

/** The service did not answer. */
export class RewardUnavailableError extends RewardError {
  override readonly name = 'RewardUnavailableError';
}

const Answer = Type.Object({
  scores: Type.Array(Type.Number()),
  details: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Unknown()))),
});

const DEFAULTS = {
  headers: {},
  batchSize: 16,
  timeoutMs: 60_000,
  attempts: 4,
  backoff: { firstMs: 500, longestMs: 30_000 },
  breakAfter: 8,
  coolDownMs: 60_000,
  whenUnavailable: 'fail',
} as const;

/**
 * A reward of pictures from anywhere: posts `{"samples": [{"image": "data:image/png;base64,…", "prompt", "group",
 * "questions", "reply"?}]}` and expects `{"scores": [number, …], "details"?: [object, …]}`, one per sample. Pictures are
 * 8-bit PNG.
 */
export function httpReward(options: HttpRewardOptions): RewardModel {
  return httpScorer(options, async ({ image, prompt, group, questions, reply }: RewardSample) => {
    const png = await encodePng(toBytes(image));
    const words = reply === undefined ? {} : { reply };
    return { image: `data:image/png;base64,${png.toString('base64')}`, prompt, group, questions, ...words };
  });
}

/**
 * A reward of replies from anywhere: posts `{"samples": [{"character", "prompt", "history", "reply", "group"}]}`; the
 * answer is that of {@link httpReward}.
 */
export function httpTextReward(options: HttpRewardOptions): TextRewardModel {
  return httpScorer(options, async ({ character, prompt, history = [], reply, group }: TextRewardSample) => {
    return { character, prompt, history, reply, group };
  });
}

function httpScorer<Sample>(
  given: HttpRewardOptions,
  encode: (sample: Sample) => Promise<unknown>,
): Scorer<Sample> {
  const options = { ...DEFAULTS, ...given };
  const { name, whenUnavailable, batchSize } = options;
  const where = knownUrl(name, options.url);
  const breaker = new CircuitBreaker(options.breakAfter, options.coolDownMs);

  async function ask(batch: readonly Sample[]): Promise<Static<typeof Answer>> {
    const body = JSON.stringify({ samples: await Promise.all(batch.map(encode)) });
    const answer = await postPersistently(body, where, options, breaker);
    const problem = problemOf(answer, batch.length);
    if (problem !== null) throw new RewardError(`reward "${name}" (${where}): ${problem}`);
    return answer as Static<typeof Answer>;
  }

  async function askOrDefault(batch: readonly Sample[]): Promise<Static<typeof Answer>> {
    try {
      return await ask(batch);
    } catch (error) {
      if (whenUnavailable === 'fail' || !(error instanceof RewardUnavailableError)) throw error;
      const reason = error.message;
      return {
        scores: batch.map(() => whenUnavailable),
        details: batch.map(() => ({ unavailable: true, reason })),
      };
    }
  }

  return {
    name,
    provenance: { url: where, whenUnavailable },
    async score(samples): Promise<RewardScores> {
      const values: number[] = [];
      const details: Readonly<Record<string, unknown>>[] = [];
      for (let start = 0; start < samples.length; start += batchSize) {
        const batch = samples.slice(start, start + batchSize);
        const answer = await askOrDefault(batch);
        values.push(...answer.scores);
        details.push(...(answer.details ?? batch.map(() => ({}))));
      }
      return { values: Float64Array.from(values), details };
    },
    dispose: () => {},
  };
}

/** Posts until an answer comes, the attempts are used up or the breaker opens. */
async function postPersistently(
  body: string,
  where: string,
  options: HttpRewardOptions & Required<Omit<HttpRewardOptions, 'url' | 'name'>>,
  breaker: CircuitBreaker,
): Promise<unknown> {
  const { name, attempts, backoff } = options;
  const unavailable = (why: string) => new RewardUnavailableError(`reward "${name}" (${where}): ${why}`);
  for (let attempt = 1; ; attempt++) {
    if (breaker.waitMs > 0) {
      const seconds = Math.ceil(breaker.waitMs / 1000);
      throw unavailable(
        `not asked after ${breaker.failures} failures in a row (the last one: ${breaker.lastFailure}); ` +
          `it is tried again in ${seconds} s. Check the service, or switch the term off`,
      );
    }
    try {
      const answer = await postJson(options.url, body, options);
      breaker.succeeded();
      return answer;
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      if (!error.temporary)
        throw new RewardError(`reward "${name}" (${where}): ${error.message}`, { cause: error });
      breaker.failed(error.message);
      if (breaker.isOpen) continue;
      const delay = attempt < attempts ? retryDelay(attempt, backoff, error.retryAfterMs) : null;
      if (delay === null)
        throw unavailable(`no score after ${attempt} attempts; the last one: ${error.message}`);
      await sleep(delay);
    }
  }
}

function problemOf(answer: unknown, samples: number): string | null {
  if (!Value.Check(Answer, answer)) {
    const [error] = Value.Errors(Answer, answer);
    return `expected {"scores": [number, …], "details"?: [object, …]}; ${error?.instancePath || 'the answer'} ${error?.message}`;
  }
  const { scores, details } = answer;
  const counts = details ? [scores.length, details.length] : [scores.length];
  if (counts.every((count) => count === samples)) return null;
  return `expected ${samples} scores${details ? ' and details' : ''}, found ${counts.join(' and ')}`;
}

function knownUrl(name: string, url: string): string {
  const known = publicUrl(url);
  if (known !== undefined) return known;
  throw new RewardError(`reward "${name}": expected an http or https address, found ${JSON.stringify(url)}`);
}
