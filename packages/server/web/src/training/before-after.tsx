import type { Sample } from '../api/jobs.js';
import { Picture } from '../shared/picture.js';
import type { SampleSet } from './training-record.js';

/** The same prompts with the same seed: the base model beside the trained one. */
export function BeforeAfter({ sets }: { sets: readonly SampleSet[] }) {
  const [before, after] = [sets[0], sets.at(-1)];
  if (!before || !after || before === after) return null;
  return (
    <section class="panel" aria-label="Before and after">
      <h2>Before and after</h2>
      <ul class="compare">
        {after.samples.map((sample) => (
          <li key={sample.prompt}>
            <h3>{sample.prompt}</h3>
            <div class="pair">
              <Made
                title="Base model"
                sample={before.samples.find(({ prompt }) => prompt === sample.prompt)}
              />
              <Made title="Trained" sample={sample} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Made({ title, sample }: { title: string; sample: Sample | undefined }) {
  return (
    <figure>
      <figcaption class="hint">{title}</figcaption>
      {sample?.url && <Picture source={sample.url} alt={`${title}: ${sample.prompt}`} />}
      {sample?.reply && <p>{sample.reply}</p>}
    </figure>
  );
}
