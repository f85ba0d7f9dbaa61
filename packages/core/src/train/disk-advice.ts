import { systemCode } from '../run/run-error.js';
import type { RunFolder } from '../run/run-folder.js';
import { checkpointsOf, LATER_STAGES } from './progress.js';
import { TrainError } from './train-error.js';

/** An error because of a full disk, with what is left of the run; other errors come back as they are. */
export function withDiskAdvice(error: unknown, run: RunFolder): unknown {
  const code = systemCode(error);
  if (!(error instanceof Error) || (code !== 'ENOSPC' && code !== 'EDQUOT')) return error;
  const saved = [...LATER_STAGES.toReversed().map((stage) => checkpointsOf(run, stage)), run.vaeCheckpoints];
  const latest = saved.map((folder) => folder.latest()).find((checkpoint) => checkpoint !== undefined);
  const state = latest
    ? `The checkpoint ${latest.path} is intact; free some space, then the same command goes on from there`
    : 'Nothing had been saved yet; free some space, then the same command begins again';
  return new TrainError(`${error.message}. ${state}.`, { cause: error });
}
