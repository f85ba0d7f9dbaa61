import type { BaseModel } from '../api/jobs.js';
import { NumberField } from '../shared/number-field.js';
import type { Settings } from './settings.js';
import { countWords } from './words.js';

interface TrainSettingsProps {
  readonly models: readonly BaseModel[];
  readonly settings: Settings;
  readonly onChange: (change: Partial<Settings>) => void;
}

/** What most people choose, and the rest folded. */
export function TrainSettings({ models, settings, onChange }: TrainSettingsProps) {
  return (
    <section class="panel settings" aria-label="Settings">
      <h2>Settings</h2>
      <label class="field">
        <span>Begin from</span>
        <select value={settings.model} onChange={(event) => onChange({ model: event.currentTarget.value })}>
          {models.map(({ id, parameters, pretrained }) => (
            <option key={id} value={id}>
              {id} ({countWords(parameters)} parameters{pretrained ? '' : ', learns from nothing'})
            </option>
          ))}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={settings.rewards}
          onChange={(event) => onChange({ rewards: event.currentTarget.checked })}
        />
        Then learn from rewards too (takes longer)
      </label>
      <details>
        <summary>Advanced</summary>
        <div class="grid-of-fields">
          <NumberField
            label="Passes over the data"
            min={1}
            max={1000}
            placeholder="as usual"
            value={settings.epochs}
            onValue={(epochs) => onChange({ epochs })}
          />
          <NumberField
            label="Packs per step"
            min={1}
            max={256}
            placeholder="as usual"
            value={settings.batch}
            onValue={(batch) => onChange({ batch })}
          />
          <NumberField
            label="Learning rate, times"
            min={0.01}
            max={100}
            step={0.01}
            placeholder="1"
            value={settings.rate}
            onValue={(rate) => onChange({ rate })}
          />
          <NumberField
            label="Seed"
            min={0}
            placeholder="as usual"
            value={settings.seed}
            onValue={(seed) => onChange({ seed })}
          />
        </div>
        <label class="field">
          <span>Further options</span>
          <span class="hint">
            JSON with options of the training configuration, such as {'{"sft.steps": 200}'}; they win over
            those above.
          </span>
          <textarea
            rows={2}
            spellcheck={false}
            value={settings.config}
            onInput={(event) => onChange({ config: event.currentTarget.value })}
          />
        </label>
      </details>
    </section>
  );
}
