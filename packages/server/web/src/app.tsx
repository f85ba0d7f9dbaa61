import { useCallback, useEffect, useState } from 'preact/hooks';
import { type Character, fetchCharacters } from './api/characters.js';
import { fetchBaseModels } from './api/jobs.js';
import { RequestError } from './api/request.js';
import { Header } from './header.js';
import { KeyForm } from './shared/key-form.js';
import { Problem } from './shared/problem.js';
import { Views } from './views.js';

type Loaded = { characters: Character[]; trains: boolean } | { error: string; needsKey: boolean } | undefined;

/** The whole page: a header and the view that the address names. */
export function App() {
  const [loaded, setLoaded] = useState<Loaded>();
  const load = useCallback(() => {
    Promise.all([fetchCharacters(), fetchBaseModels()]).then(
      ([characters, models]) => setLoaded({ characters, trains: models !== undefined }),
      (error: Error) =>
        setLoaded({
          error: error.message,
          needsKey: error instanceof RequestError && error.status === 401,
        }),
    );
  }, []);
  useEffect(load, [load]);

  if (loaded && 'characters' in loaded) return <Views {...loaded} onTrained={load} />;
  return (
    <>
      <Header />
      {loaded?.needsKey ? (
        <KeyForm problem={loaded.error} onKey={load} />
      ) : (
        <main>
          {loaded ? (
            <Problem action="Try again" onAction={load}>
              {loaded.error}
            </Problem>
          ) : (
            <p class="notice" role="status">
              Loading…
            </p>
          )}
        </main>
      )}
    </>
  );
}
