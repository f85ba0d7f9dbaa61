import { useEffect, useState } from 'preact/hooks';
import { type BaseModel, fetchBaseModels, startJob } from '../api/jobs.js';
import { wordsOf } from '../api/request.js';
import { fetchUpload, type Upload } from '../api/uploads.js';
import { jobLink } from '../route.js';
import { FindingList } from '../shared/finding-list.js';
import { Portrait } from '../shared/portrait.js';
import { Problem } from '../shared/problem.js';
import { PlanView } from './plan-view.js';
import { defaultSettings, wishOf } from './settings.js';
import { TrainSettings } from './train-settings.js';
import { usePlan } from './use-plan.js';

type Loaded = { readonly upload: Upload; readonly models: readonly BaseModel[] };

/** Starting a training: what the character has, the settings, and the plan before anything runs. */
export function Train({ id }: { id: string }) {
  const [loaded, setLoaded] = useState<Loaded>();
  const [problem, setProblem] = useState('');
  useEffect(() => {
    Promise.all([fetchUpload(id), fetchBaseModels()]).then(
      ([upload, models = []]) => setLoaded({ upload, models }),
      (error) => setProblem(wordsOf(error)),
    );
  }, [id]);

  if (problem !== '') {
    return (
      <main>
        <Problem>{problem}</Problem>
      </main>
    );
  }
  if (!loaded) {
    return (
      <main>
        <p class="notice" role="status">
          Loading…
        </p>
      </main>
    );
  }
  const { upload, models } = loaded;
  const [first] = models;
  return (
    <main class="train">
      <div class="with">
        <Portrait name={upload.name} source={upload.portrait} />
        <h1>Train {upload.name}</h1>
      </div>
      <FindingList missing={upload.missing} />
      {first ? (
        <TrainForm upload={upload} models={models} first={first} />
      ) : (
        <Problem>This server has no model to begin from.</Problem>
      )}
    </main>
  );
}

interface TrainFormProps extends Loaded {
  readonly first: BaseModel;
}

function TrainForm({ upload, models, first }: TrainFormProps) {
  const [settings, setSettings] = useState(() => defaultSettings(first.id));
  const [starting, setStarting] = useState(false);
  const [problem, setProblem] = useState('');
  const planned = usePlan(upload.id, settings);
  const start = async (event: Event) => {
    event.preventDefault();
    setStarting(true);
    setProblem('');
    try {
      location.hash = jobLink((await startJob(wishOf(upload.id, settings))).id);
    } catch (error) {
      setProblem(wordsOf(error));
      setStarting(false);
    }
  };
  const ready = planned !== undefined && 'plan' in planned;
  return (
    <form class="two-columns" onSubmit={start}>
      <TrainSettings
        models={models}
        settings={settings}
        onChange={(change) => setSettings((earlier) => ({ ...earlier, ...change }))}
      />
      <section class="panel" aria-label="The plan" aria-busy={planned === undefined}>
        <h2>The plan</h2>
        {planned === undefined && (
          <p class="hint" role="status">
            Counting what it takes…
          </p>
        )}
        {planned && 'problem' in planned && <Problem>{planned.problem}</Problem>}
        {planned && 'plan' in planned && <PlanView plan={planned.plan} />}
        {problem !== '' && <Problem>{problem}</Problem>}
        <button type="submit" disabled={!ready || starting}>
          {starting ? 'Starting…' : 'Start the training'}
        </button>
      </section>
    </form>
  );
}
