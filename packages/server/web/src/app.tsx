import { useCallback, useEffect, useState } from 'preact/hooks';
import { type Character, fetchCharacters, RequestError } from './api.js';
import { Chat } from './chat.js';
import { Gallery } from './gallery.js';
import { Imagine } from './imagine.js';
import { KeyForm } from './key-form.js';
import { link, useRoute } from './route.js';

type Loaded = { characters: Character[] } | { error: string; needsKey: boolean } | undefined;

/** The whole page: a header and the view that the address names. */
export function App() {
  const [loaded, setLoaded] = useState<Loaded>();
  const load = useCallback(() => {
    fetchCharacters().then(
      (characters) => setLoaded({ characters }),
      (error: Error) =>
        setLoaded({
          error: error.message,
          needsKey: error instanceof RequestError && error.status === 401,
        }),
    );
  }, []);
  useEffect(load, [load]);

  if (!loaded) return <p class="notice">Loading…</p>;
  if ('error' in loaded) {
    return loaded.needsKey ? (
      <KeyForm problem={loaded.error} onKey={load} />
    ) : (
      <p class="notice" role="alert">
        {loaded.error}{' '}
        <button type="button" onClick={load}>
          Try again
        </button>
      </p>
    );
  }
  return <Views characters={loaded.characters} />;
}

function Views({ characters }: { characters: Character[] }) {
  const { view, character: id } = useRoute();
  const character = characters.find((one) => one.id === id);
  return (
    <>
      <header>
        <a class="brand" href="#/">
          UniCharacter
        </a>
        {character && (
          <nav aria-label={character.name}>
            <a href={link('chat', character.id)} aria-current={view === 'chat' ? 'page' : undefined}>
              Talk
            </a>
            <a href={link('imagine', character.id)} aria-current={view === 'imagine' ? 'page' : undefined}>
              Draw
            </a>
          </nav>
        )}
      </header>
      {view === 'gallery' && <Gallery characters={characters} />}
      {view !== 'gallery' && !character && (
        <main>
          <p class="notice" role="alert">
            There is no character “{id}”. <a href="#/">Choose another</a>
          </p>
        </main>
      )}
      {view === 'chat' && character && <Chat key={character.id} character={character} />}
      {view === 'imagine' && character && <Imagine key={character.id} character={character} />}
    </>
  );
}
