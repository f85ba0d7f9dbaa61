import type { FineTuningJob, JobEnd } from '../state/fine-tuning-jobs.js';
import { fineTunedModelId } from './finished-models.js';
import type { JobFolders } from './job-folders.js';
import { withoutFolders } from './plan-job.js';
import type { TrainingEnd } from './training-process.js';

/** What decides, beside how the process ended, how a worker leaves a job. */
interface Circumstances {
  /** The server is being stopped. */
  readonly closing: boolean;
  readonly asked: FineTuningJob['requested'];
  /** Earlier ends without a word since the last checkpoint. */
  readonly crashes: number;
  readonly folders: JobFolders;
}

/** The training may end this often without a word and without a checkpoint in between. */
const MOST_CRASHES = 3;

/** How a worker leaves a job whose training process has ended. */
export function endOf(job: FineTuningJob, end: TrainingEnd, circumstances: Circumstances): JobEnd {
  const { closing, asked, crashes, folders } = circumstances;
  const failed = (code: string, message: string): JobEnd => {
    const places = [folders.run(job.id), folders.data(job.source)];
    return { status: 'failed', error: { code, message: withoutFolders(message, places), param: null } };
  };
  if (end.kind === 'finished') return { status: 'succeeded', model: fineTunedModelId(job) };
  if (end.kind === 'failed') return failed('training_failed', end.message);
  if (asked) return { status: asked === 'cancel' ? 'cancelled' : 'paused' };
  if (end.kind === 'stopped' || closing) {
    return {
      status: 'queued',
      crashed: false,
      message: 'The server was stopped; the job goes on when it is back.',
    };
  }
  const message = `The training process ended without a word (${end.how})`;
  if (crashes + 1 < MOST_CRASHES) {
    return { status: 'queued', crashed: true, message: `${message}; it goes on from the last checkpoint.` };
  }
  const advice = 'If memory ran out, set sft.activationCheckpointing or a smaller sft.tokensPerPack.';
  return failed(
    'training_crashed',
    `${message}, ${MOST_CRASHES} times without a checkpoint in between. ${advice}`,
  );
}
