import { Picture } from '../shared/picture.js';
import type { SampleSet } from './training-record.js';

/** What the model made of the same prompts at one moment after another. */
export function Samples({ sets }: { sets: readonly SampleSet[] }) {
  const prompts = [...new Set(sets.flatMap(({ samples }) => samples.map(({ prompt }) => prompt)))];
  if (prompts.length === 0) {
    return <p class="hint">The first pictures and replies come before the first step.</p>;
  }
  return (
    <>
      {prompts.map((prompt) => (
        <section key={prompt} class="strip" aria-label={`Samples: ${prompt}`}>
          <h3>{prompt}</h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
          <ol tabIndex={0} aria-label={`Over the steps: ${prompt}`}>
            {sets.map(({ stage, step, samples }) => {
              const sample = samples.find((one) => one.prompt === prompt);
              return (
                sample && (
                  <li key={`${stage} ${step}`}>
                    {sample.url && <Picture source={sample.url} alt={`${prompt}, step ${step}`} />}
                    {sample.reply && <p>{sample.reply}</p>}
                    <span class="hint">{step === 0 ? 'before' : `step ${step}`}</span>
                  </li>
                )
              );
            })}
          </ol>
        </section>
      ))}
    </>
  );
}
