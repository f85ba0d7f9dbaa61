import { useCallback, useEffect, useState } from 'preact/hooks';
import { fetchJobs, type Job } from '../api/jobs.js';
import { wordsOf } from '../api/request.js';
import { jobLink } from '../route.js';
import { Problem } from '../shared/problem.js';
import { StatusMark } from './status-mark.js';
import { dateWords, durationWords } from './words.js';

/** Milliseconds between two looks at trainings that are under way. */
const INTERVAL = 4000;
const UNDER_WAY = new Set<Job['status']>(['queued', 'running']);

/** All trainings. */
export function JobList() {
  const [jobs, setJobs] = useState<Job[]>();
  const [problem, setProblem] = useState('');
  const load = useCallback(() => {
    setProblem('');
    fetchJobs().then(setJobs, (error) => setProblem(wordsOf(error)));
  }, []);
  useEffect(load, [load]);
  const underWay = jobs?.some(({ status }) => UNDER_WAY.has(status)) ?? false;
  useEffect(() => {
    if (!underWay) return;
    const timer = setInterval(load, INTERVAL);
    return () => clearInterval(timer);
  }, [underWay, load]);

  return (
    <main>
      <h1>Trainings</h1>
      {problem !== '' && (
        <Problem action="Try again" onAction={load}>
          {problem}
        </Problem>
      )}
      {!jobs && problem === '' && (
        <p class="notice" role="status">
          Loading…
        </p>
      )}
      {jobs?.length === 0 && (
        <div class="empty">
          <p>No character has been trained here yet.</p>
          <a class="button" href="#/create">
            Create a character
          </a>
        </div>
      )}
      <ul class="jobs">
        {jobs?.map((job) => (
          <JobEntry key={job.id} job={job} />
        ))}
      </ul>
    </main>
  );
}

function JobEntry({ job }: { job: Job }) {
  const { id, character_name: name, created_at, status, progress, model } = job;
  return (
    <li class="panel">
      <a href={jobLink(id)}>{name}</a>
      <StatusMark status={status} />
      <span class="hint">
        {model}, {dateWords(created_at)}
      </span>
      {status === 'running' && progress && (
        <span class="hint">
          step {progress.step} of {progress.steps}, {durationWords(progress.eta_seconds)} left
        </span>
      )}
    </li>
  );
}
