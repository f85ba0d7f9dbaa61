import type { Character } from './api/characters.js';
import { Chat } from './chat/chat.js';
import { Gallery } from './gallery/gallery.js';
import { Header } from './header.js';
import { Imagine } from './imagine/imagine.js';
import { useRoute } from './route.js';

/** The view that the address names. */
export function Views({ characters }: { characters: readonly Character[] }) {
  const route = useRoute();
  const id = 'character' in route ? route.character : undefined;
  const character = characters.find((one) => one.id === id);
  return (
    <>
      <Header view={route.view} character={character} />
      {route.view === 'gallery' && <Gallery characters={characters} />}
      {id !== undefined && !character && (
        <main>
          <p class="notice" role="alert">
            There is no character “{id}”. <a href="#/">Choose another</a>
          </p>
        </main>
      )}
      {route.view === 'chat' && character && <Chat key={character.id} character={character} />}
      {route.view === 'imagine' && character && <Imagine key={character.id} character={character} />}
    </>
  );
}
