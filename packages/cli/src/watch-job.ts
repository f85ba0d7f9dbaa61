import type { StepEvent } from '@unicharacter/core';
import type { CommandContext } from './context.js';
import { ExitCode } from './errors.js';
import { printable } from './format.js';
import { ProgressLine } from './progress.js';
import type { ServerClient, ServerJobEvent } from './server-client.js';

/** Shows what happens in a job until it is over; a failed or cancelled one is an exit code. */
export async function watchJob(
  { terminal, setExitCode }: CommandContext,
  client: ServerClient,
  id: string,
): Promise<void> {
  const progress = new ProgressLine(terminal);
  let status: unknown;
  try {
    for await (const event of client.events(id)) {
      if (event.data.kind === 'status') status = event.data.status;
      show(progress, event);
    }
  } finally {
    progress.finish();
  }
  if (status !== 'succeeded') setExitCode(ExitCode.failure);
}

function show(progress: ProgressLine, { level, message, data }: ServerJobEvent): void {
  if (data.kind === 'step') progress.step(stepOf(data));
  else if (data.kind === 'sample') {
    for (const { prompt, reply, url } of data.samples as Sample[]) {
      progress.note(printable(`  "${prompt}" → ${reply === null ? url : `"${reply}"`}`));
    }
  } else if (!QUIET.has(data.kind))
    progress.note(printable(level === 'info' ? message : `${level}: ${message}`));
}

interface Sample {
  prompt: string;
  reply: string | null;
  url: string | null;
}

/** Kinds that would only fill the screen. */
const QUIET = new Set(['checkpoint', 'rewards']);

/** What the progress line needs of a step. */
function stepOf(data: ServerJobEvent['data']): StepEvent {
  const number = (name: string): number => Number(data[name]);
  return {
    type: 'step',
    stage: data.stage as StepEvent['stage'],
    step: number('step'),
    steps: number('total_steps'),
    losses: data.losses as Record<string, number>,
    tokens: number('tokens'),
    tokensPerSecond: number('tokens_per_second'),
    secondsPerStep: number('seconds_per_step'),
    etaSeconds: number('eta_seconds'),
    gradNorm: number('grad_norm'),
    lr: number('lr'),
    liveBytes: number('live_bytes'),
    peakBytes: number('peak_bytes'),
    ...(data.rewards ? { rewards: data.rewards as Record<string, number> } : {}),
  };
}
