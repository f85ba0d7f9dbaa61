import { join } from 'node:path';
import { decodeImage, type Sample, type StepEvent, type TrainEvent } from '@unicharacter/core';
import type { PictureStore } from '../picture-store.js';
import type { JobEvent } from '../state/fine-tuning-events.js';

/**
 * What a training says, as clients get it: without places in the file system, pictures by the id under which the server
 * keeps them.
 */
export async function jobEvent(
  line: number,
  event: TrainEvent,
  run: string,
  pictures: PictureStore,
): Promise<JobEvent> {
  const info = (message: string, data: object): JobEvent => ({
    line,
    level: 'info',
    message,
    data: { kind: event.type, ...data },
  });
  switch (event.type) {
    case 'start': {
      const { images, tasks, character } = event.data;
      const { parameters, precision, threads } = event;
      return info(`Learning ${character} from ${images} pictures.`, {
        images,
        tasks,
        parameters,
        precision,
        threads,
      });
    }
    case 'resume':
      return info(`Going on after step ${event.step} of ${event.stage}.`, {
        stage: event.stage,
        step: event.step,
      });
    case 'stage': {
      const { stage, steps, message, rewards } = event;
      return info(`${stage}: ${message}`, { stage, steps, ...(rewards ? { rewards: rewards.weights } : {}) });
    }
    case 'step':
      return info(`${event.stage} ${event.step}/${event.steps}: ${lossText(event)}`, stepData(event));
    case 'validation': {
      const { stage, step, losses } = event;
      return info(`Measured on held-out data after step ${step} of ${stage}.`, {
        stage,
        step,
        losses,
        valid_loss: losses.total ?? null,
      });
    }
    case 'sample': {
      const { stage, step } = event;
      const samples = await Promise.all(event.samples.map((sample) => keptSample(sample, run, pictures)));
      return info(`Samples after step ${step} of ${stage}.`, { stage, step, samples });
    }
    case 'rewards': {
      const { stage, step, prompts } = event;
      return info(`Rewards of step ${step} of ${stage}.`, { stage, step, prompts });
    }
    case 'alarm': {
      const { stage, step, measure, value, limit, message } = event;
      return { ...info(message, { stage, step, measure, value, limit }), level: 'warn' };
    }
    case 'checkpoint':
    case 'interrupted': {
      const what = event.type === 'checkpoint' ? 'Saved' : 'Stopped';
      return info(`${what} after step ${event.step} of ${event.stage}.`, {
        stage: event.stage,
        step: event.step,
      });
    }
    case 'done': {
      const { step, seconds, losses } = event;
      return info(`Trained in ${Math.round(seconds)} s.`, { step, seconds, losses });
    }
  }
}

const lossText = ({ losses }: StepEvent): string =>
  losses.total === undefined ? 'done' : `loss ${losses.total.toPrecision(4)}`;

/** OpenAI's names where there is one. */
function stepData(event: StepEvent) {
  const { stage, step, steps, losses, tokens, lr, rewards, measures, tasks } = event;
  return {
    stage,
    step,
    total_steps: steps,
    train_loss: losses.total ?? null,
    losses,
    tokens,
    tokens_per_second: event.tokensPerSecond,
    seconds_per_step: event.secondsPerStep,
    eta_seconds: event.etaSeconds,
    grad_norm: event.gradNorm,
    lr,
    live_bytes: event.liveBytes,
    peak_bytes: event.peakBytes,
    ...(rewards ? { rewards } : {}),
    ...(measures ? { measures } : {}),
    ...(tasks ? { tasks } : {}),
  };
}

async function keptSample({ prompt, reply, image }: Sample, run: string, pictures: PictureStore) {
  const picture = image === undefined ? null : (await pictures.keep(await decodeImage(join(run, image)))).id;
  return { prompt, reply: reply ?? null, picture };
}
