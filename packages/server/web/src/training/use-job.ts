import { useCallback, useEffect, useState } from 'preact/hooks';
import { controlJob, fetchJob, type Job, jobEvents } from '../api/jobs.js';
import { RequestError, wordsOf } from '../api/request.js';
import { EMPTY_RECORD, RecordBook, type TrainingRecord } from './training-record.js';

/** Milliseconds after which a broken stream is opened again. */
const RETRY = 2000;

/** A job as it is now, followed as long as it is shown. */
export function useJob(id: string) {
  const [job, setJob] = useState<Job>();
  const [record, setRecord] = useState<TrainingRecord>(EMPTY_RECORD);
  const [problem, setProblem] = useState('');
  /** Counts up when a job that was over goes on. */
  const [round, setRound] = useState(0);

  useEffect(() => {
    const controller = new AbortController();
    void follow(id, controller.signal, { setJob, setRecord, setProblem });
    return () => controller.abort();
  }, [id, round]);

  const control = useCallback(
    async (action: 'pause' | 'resume' | 'cancel') => {
      setProblem('');
      try {
        setJob(await controlJob(id, action));
        if (action === 'resume') setRound((earlier) => earlier + 1);
      } catch (error) {
        setProblem(wordsOf(error));
      }
    },
    [id],
  );
  return { job, record, problem, control };
}

interface Follower {
  readonly setJob: (job: Job) => void;
  readonly setRecord: (record: TrainingRecord) => void;
  readonly setProblem: (problem: string) => void;
}

/** Reads the events of a job to its end; a stream that breaks is opened again after the last event. */
async function follow(
  id: string,
  signal: AbortSignal,
  { setJob, setRecord, setProblem }: Follower,
): Promise<void> {
  let last: string | undefined;
  const book = new RecordBook();
  const show = oncePerFrame(() => setRecord(book.snapshot));
  while (!signal.aborted) {
    try {
      setJob(await fetchJob(id));
      for await (const event of jobEvents(id, last, signal)) {
        last = event.id;
        book.add(event);
        show();
        if (event.data.kind === 'status') setJob(await fetchJob(id));
      }
      setJob(await fetchJob(id));
      return;
    } catch (error) {
      if (signal.aborted) return;
      setProblem(wordsOf(error));
      if (error instanceof RequestError && error.status >= 400 && error.status < 500) return;
      await new Promise((resolve) => setTimeout(resolve, RETRY));
      setProblem('');
    }
  }
}

/** A long training tells thousands of events at once; they are drawn together. */
function oncePerFrame(draw: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
}
