import type { Sample } from '../api/jobs.js';
import { Picture } from '../shared/picture.js';
import type { SampleSet } from './training-record.js';

/** The same prompts with the same seed: the base model beside the trained one. */
export function BeforeAfter({ sets }: { sets: readonly SampleSet[] }) {
  const compared = (sets.at(-1)?.samples ?? []).flatMap((after) => {
    const before = sets.flatMap(({ samples }) => samples).find(({ prompt }) => prompt === after.prompt);
    return before && before !== after ? [{ before, after }] : [];
  });
  if (compared.length === 0) return null;
  return (
    <section class="panel" aria-label="Before and after">
      <h2>Before and after</h2>
      <ul class="compare">
        {compared.map(({ before, after }) => (
          <li key={after.prompt}>
            <h3>{after.prompt}</h3>
            <div class="pair">
              <Made title="Base model" sample={before} />
              <Made title="Trained" sample={after} />
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Made({ title, sample }: { title: string; sample: Sample }) {
  return (
    <figure>
      <figcaption class="hint">{title}</figcaption>
      {sample.url && <Picture source={sample.url} alt={`${title}: ${sample.prompt}`} />}
      {sample.reply && <p>{sample.reply}</p>}
    </figure>
  );
}
