import type { Character } from '../api/characters.js';
import { CharacterCard } from './character-card.js';

/** All characters of the server. */
export function Gallery({ characters }: { characters: readonly Character[] }) {
  return (
    <main>
      <h1>Characters</h1>
      <ul class="gallery">
        {characters.map((character) => (
          <CharacterCard key={character.id} character={character} />
        ))}
      </ul>
    </main>
  );
}
