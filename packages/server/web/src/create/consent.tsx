import type { Draft } from './draft.js';

interface ConsentProps {
  readonly draft: Draft;
  readonly onChange: (change: Partial<Draft>) => void;
}

/** Where the character comes from, and that it may be used. */
export function Consent({ draft, onChange }: ConsentProps) {
  return (
    <section class="panel">
      <h2>May it be used?</h2>
      <label class="field">
        <span>Where it comes from</span>
        <span class="hint">Kept with the character, for whoever asks later: who drew it, who owns it.</span>
        <input
          value={draft.provenance}
          maxLength={4000}
          placeholder="Drawn by me"
          onInput={(event) => onChange({ provenance: event.currentTarget.value })}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          required
          checked={draft.consent}
          onChange={(event) => onChange({ consent: event.currentTarget.checked })}
        />
        The person shown agrees to this use, or nobody real is shown.
      </label>
    </section>
  );
}
