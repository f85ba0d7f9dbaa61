import { useEffect } from 'preact/hooks';
import { Problem } from '../shared/problem.js';
import { BeforeAfter } from './before-after.js';
import { Curves } from './curves.js';
import { JobHead } from './job-head.js';
import { Samples } from './samples.js';
import { useJob } from './use-job.js';
import { stageWords } from './words.js';

/** Watching one training. `onTrained` is called when there is a new character. */
export function JobView({ id, onTrained }: { id: string; onTrained: () => void }) {
  const { job, record, problem, control } = useJob(id);
  const trained = job?.fine_tuned_model;
  useEffect(() => {
    if (trained) onTrained();
  }, [trained, onTrained]);

  if (!job) {
    return (
      <main>
        {problem === '' ? (
          <p class="notice" role="status">
            Opening the training…
          </p>
        ) : (
          <Problem>{problem}</Problem>
        )}
      </main>
    );
  }
  const stage = record.steps.at(-1)?.stage ?? job.stages[0]?.stage;
  const failure = record.failure || job.error?.message;
  return (
    <main class="job">
      <h1>Training {job.character_name}</h1>
      {problem !== '' && <Problem>{problem}</Problem>}
      {job.status === 'failed' && failure && <Problem>{failure}</Problem>}
      <JobHead job={job} record={record} onControl={control} />
      {record.alarms.length > 0 && (
        <section class="panel" role="alert" aria-label="Alarms">
          <h2>Alarms</h2>
          <ul class="remarks">
            {record.alarms.map(({ stage, step, message }) => (
              <li key={`${stage} ${step} ${message}`} class="warning">
                {message}
              </li>
            ))}
          </ul>
        </section>
      )}
      {job.status === 'succeeded' && <BeforeAfter sets={record.samples} />}
      <section class="panel" aria-label="Curves">
        <h2>{stage ? stageWords(stage) : 'Learning'}</h2>
        <Curves record={record} stage={stage} />
      </section>
      <section class="panel" aria-label="Samples">
        <h2>Growing sharper</h2>
        <Samples sets={record.samples} />
      </section>
    </main>
  );
}
