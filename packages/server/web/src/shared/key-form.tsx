import { useState } from 'preact/hooks';
import { setApiKey } from '../api/request.js';

/** Asks for the API key that the server wants. */
export function KeyForm({ problem, onKey }: { problem: string; onKey: () => void }) {
  const [key, setKey] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    setApiKey(key.trim());
    onKey();
  };
  return (
    <main class="narrow">
      <h1>This server asks for a key</h1>
      <p role="status">{problem}</p>
      <form onSubmit={submit}>
        <label>
          API key
          <input
            type="password"
            autocomplete="current-password"
            required
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Open</button>
      </form>
    </main>
  );
}
