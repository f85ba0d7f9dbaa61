import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TrainConfig } from '@unicharacter/core';
import { childOptions } from '../child-options.js';
import { ApiError } from '../errors.js';
import type { DataPlan, FromPlanning } from './messages.js';

const PROGRAM = fileURLToPath(new URL('planning-main.js', import.meta.url));

/** Milliseconds without a plan after which the process ends. */
const IDLE = 30_000;

export interface PlannerLimits {
  /** Plans that may be asked for at a time, the one in the making among them. */
  readonly plans: number;
  /** Seconds after which a plan is given up: its packs are out of all proportion then. */
  readonly seconds: number;
}

/** A configuration that cannot be trained; the message says why. */
export class NotTrainable extends Error {
  override readonly name = 'NotTrainable';
}

/**
 * Plans trainings, one at a time, in a process of its own: reading pictures and drawing packs would keep a server from
 * answering. The process stays for the next plan, and ends when none comes.
 */
export class Planner {
  private asked = 0;
  private last: Promise<unknown> = Promise.resolve();
  private child: ChildProcess | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly limits: PlannerLimits = { plans: 8, seconds: 60 }) {}

  /** @throws NotTrainable; ApiError 429 when too many wait */
  async plan(config: TrainConfig): Promise<DataPlan> {
    if (this.asked >= this.limits.plans) {
      throw new ApiError(429, 'rate_limit_error', 'Too many jobs are being planned; try again in 5 s.', {
        code: 'queue_full',
        retryAfter: 5,
      });
    }
    this.asked += 1;
    const planned = this.last.then(() => this.planInProcess(config));
    this.last = planned.catch(() => {});
    return planned.finally(() => {
      this.asked -= 1;
    });
  }

  /** Ends the process; a plan in the making fails. */
  close(): void {
    clearTimeout(this.idle);
    this.child?.kill('SIGKILL');
    this.child = undefined;
  }

  private async planInProcess(config: TrainConfig): Promise<DataPlan> {
    clearTimeout(this.idle);
    this.child ??= fork(PROGRAM, childOptions());
    const { child } = this;
    const { seconds } = this.limits;
    const gone = new AbortController();
    const onGone = (): void => gone.abort();
    const late = AbortSignal.timeout(seconds * 1000);
    child.once('close', onGone).send(config, () => {});
    try {
      const signal = AbortSignal.any([gone.signal, late]);
      const [answer] = (await once(child, 'message', { signal })) as [FromPlanning];
      if (answer.kind === 'planned') return answer.plan;
      throw answer.kind === 'refused' ? new NotTrainable(answer.message) : new Error(answer.message);
    } catch (error) {
      if (!gone.signal.aborted && !late.aborted) throw error;
      this.close();
      throw gone.signal.aborted
        ? new Error('the planning process ended without a word')
        : new NotTrainable(
            `planning it took more than ${seconds} s; choose smaller packs or fewer pictures.`,
          );
    } finally {
      child.off('close', onGone);
      this.idle = setTimeout(() => this.close(), IDLE).unref();
    }
  }
}
