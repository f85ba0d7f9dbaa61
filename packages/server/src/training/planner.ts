import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TrainConfig } from '@unicharacter/core';
import { ApiError } from '../errors.js';
import type { DataPlan, FromPlanning } from './messages.js';
import { childOptions } from './training-process.js';

const PROGRAM = fileURLToPath(new URL('planning-main.js', import.meta.url));

/** Plans that may wait for the one that is made. */
const MOST_WAITING = 8;
/** Seconds after which a plan is given up: its packs are out of all proportion then. */
const PATIENCE = 60;

/** A configuration that cannot be trained; the message says why. */
export class NotTrainable extends Error {
  override readonly name = 'NotTrainable';
}

/** Plans trainings, one at a time, each in a process of its own. */
export class Planner {
  private waiting = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** @throws NotTrainable; ApiError 429 when too many wait */
  async plan(config: TrainConfig): Promise<DataPlan> {
    if (this.waiting >= MOST_WAITING) {
      throw new ApiError(429, 'rate_limit_error', 'Too many jobs are being planned; try again in 5 s.', {
        code: 'queue_full',
        retryAfter: 5,
      });
    }
    this.waiting += 1;
    const planned = this.last.then(() => planInProcess(config));
    this.last = planned.catch(() => {});
    return planned.finally(() => {
      this.waiting -= 1;
    });
  }
}

function planInProcess(config: TrainConfig): Promise<DataPlan> {
  return new Promise((resolve, reject) => {
    const child = fork(PROGRAM, childOptions());
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new NotTrainable(`planning it took more than ${PATIENCE} s; choose smaller packs or fewer pictures.`),
      );
    }, PATIENCE * 1000);
    child.on('message', (message: FromPlanning) => {
      if (message.kind === 'planned') resolve(message.plan);
      else if (message.kind === 'refused') reject(new NotTrainable(message.message));
      else reject(new Error(message.message));
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      // After an answer this changes nothing.
      reject(new Error(`the planning process ended without a word (${signal ?? `exit code ${code}`})`));
    });
    child.send(config, () => {});
  });
}
