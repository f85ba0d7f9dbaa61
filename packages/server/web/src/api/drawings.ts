import { post } from './request.js';

export interface Drawing {
  /** PNG as a data address. */
  readonly picture: string;
  readonly seed: number;
}

export interface DrawingWish {
  readonly prompt: string;
  readonly count: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly guidance?: number;
}

export async function draw(model: string, wish: DrawingWish, signal: AbortSignal): Promise<Drawing[]> {
  const { prompt, count, seed, steps, guidance } = wish;
  const body = {
    model,
    prompt,
    n: count,
    ...(seed === undefined ? {} : { seed }),
    ...(steps === undefined ? {} : { num_inference_steps: steps }),
    ...(guidance === undefined ? {} : { guidance_scale: guidance }),
  };
  const response = await post('/v1/images/generations', body, signal);
  const { data } = (await response.json()) as { data: { b64_json: string; seed: number }[] };
  return data.map(({ b64_json, seed: used }) => ({
    picture: `data:image/png;base64,${b64_json}`,
    seed: used,
  }));
}
