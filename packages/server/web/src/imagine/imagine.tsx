import { useEffect, useRef, useState } from 'preact/hooks';
import type { Character } from '../api/characters.js';
import { type Drawing, draw } from '../api/drawings.js';
import { wordsOf } from '../api/request.js';
import { NumberField } from '../shared/number-field.js';
import { Problem } from '../shared/problem.js';

/** A number from a text field; undefined while it is empty. */
const numberOf = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text));

/** Drawing from a description. */
export function Imagine({ character }: { character: Character }) {
  const { id, name } = character;
  const [prompt, setPrompt] = useState('');
  const [count, setCount] = useState('2');
  const [seed, setSeed] = useState('');
  const [guidance, setGuidance] = useState('');
  const [drawings, setDrawings] = useState<readonly (Drawing & { prompt: string })[]>([]);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const stopper = useRef<AbortController>(undefined);
  useEffect(() => () => stopper.current?.abort(), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    const controller = new AbortController();
    stopper.current = controller;
    setBusy(true);
    setProblem('');
    const [chosenSeed, chosenGuidance] = [numberOf(seed), numberOf(guidance)];
    const wish = {
      prompt,
      count: Number(count),
      ...(chosenSeed === undefined ? {} : { seed: chosenSeed }),
      ...(chosenGuidance === undefined ? {} : { guidance: chosenGuidance }),
    };
    try {
      const drawn = await draw(id, wish, controller.signal);
      setDrawings((earlier) => [...drawn.map((one) => ({ ...one, prompt })), ...earlier]);
    } catch (error) {
      if (!controller.signal.aborted) setProblem(wordsOf(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main>
      <h1>Draw {name}</h1>
      <form class="imagine" onSubmit={submit}>
        <label class="whole">
          What should the picture show?
          <textarea
            required
            rows={2}
            value={prompt}
            placeholder={`${name} by the lake at night`}
            onInput={(event) => setPrompt(event.currentTarget.value)}
          />
        </label>
        <NumberField label="Pictures" value={count} onValue={setCount} min={1} max={8} required />
        <NumberField label="Seed" value={seed} onValue={setSeed} min={0} placeholder="random" />
        <NumberField
          label="Guidance"
          value={guidance}
          onValue={setGuidance}
          min={1}
          max={30}
          step={0.5}
          placeholder="as trained"
        />
        {busy ? (
          <button type="button" onClick={() => stopper.current?.abort()}>
            Stop
          </button>
        ) : (
          <button type="submit">Draw</button>
        )}
      </form>
      {problem !== '' && <Problem>{problem}</Problem>}
      {busy && (
        <p class="hint" role="status">
          {name} is being drawn…
        </p>
      )}
      <ul class="drawings">
        {drawings.map((one) => (
          <li key={`${one.seed} ${one.prompt}`}>
            <img src={one.picture} alt={one.prompt} />
            <p>{one.prompt}</p>
            <p class="hint">
              seed {one.seed}{' '}
              <a href={one.picture} download={`${name}-${one.seed}.png`}>
                Save
              </a>
            </p>
          </li>
        ))}
      </ul>
    </main>
  );
}
