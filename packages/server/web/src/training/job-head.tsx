import type { Job } from '../api/jobs.js';
import { link } from '../route.js';
import { StatusMark } from './status-mark.js';
import type { TrainingRecord } from './training-record.js';
import { dateWords, durationWords, stageWords } from './words.js';

interface JobHeadProps {
  readonly job: Job;
  readonly record: TrainingRecord;
  readonly onControl: (action: 'pause' | 'resume' | 'cancel') => void;
}

/** How far a training is, and what can be done with it. */
export function JobHead({ job, record, onControl }: JobHeadProps) {
  const { status, requested, character_name: name, fine_tuned_model: trained } = job;
  const at = record.steps.at(-1);
  const running = status === 'running' && requested === null;
  return (
    <section class="panel job-head" aria-label="Progress">
      <div class="row">
        <StatusMark status={status} />
        <span class="hint">
          {requested === 'pause' && 'Pauses after this step.'}
          {requested === 'cancel' && 'Ends after this step.'}
          {requested === null && (status === 'running' || status === 'queued') && record.message}
          {job.finished_at !== null && dateWords(job.finished_at)}
        </span>
      </div>
      {at && (
        <>
          {status !== 'succeeded' && (
            <label class="progress">
              <span>
                {stageWords(at.stage)}: step {at.step} of {at.total_steps}
              </span>
              <progress max={at.total_steps} value={at.step} />
            </label>
          )}
          <dl class="figures">
            {running && (
              <div>
                <dt>Time left</dt>
                <dd>{durationWords(at.eta_seconds)}</dd>
              </div>
            )}
            <div>
              <dt>Tokens per second</dt>
              <dd>{Math.round(at.tokens_per_second).toLocaleString('en')}</dd>
            </div>
            <div>
              <dt>Base model</dt>
              <dd>{job.model}</dd>
            </div>
          </dl>
        </>
      )}
      <div class="row">
        {trained && (
          <>
            <a class="button" href={link('chat', trained)}>
              Talk to {name}
            </a>
            <a class="button quiet" href={link('imagine', trained)}>
              Draw {name}
            </a>
          </>
        )}
        {running && <Action label="Pause" onClick={() => onControl('pause')} />}
        {(status === 'paused' || status === 'failed') && (
          <Action label="Go on" onClick={() => onControl('resume')} />
        )}
        {['queued', 'running', 'paused'].includes(status) && requested !== 'cancel' && (
          <Action label="Cancel" onClick={() => onControl('cancel')} />
        )}
      </div>
    </section>
  );
}

function Action({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button type="button" class="quiet" onClick={onClick}>
      {label}
    </button>
  );
}
