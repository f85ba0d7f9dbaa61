import type { Character } from './api.js';
import { Portrait } from './portrait.js';
import { link } from './route.js';

/** All characters of the server. */
export function Gallery({ characters }: { characters: readonly Character[] }) {
  return (
    <main>
      <h1>Characters</h1>
      <ul class="gallery">
        {characters.map((character) => (
          <li key={character.id}>
            <Portrait character={character} />
            <h2>{character.name}</h2>
            <p class="description">{character.description}</p>
            <p class="actions">
              <a class="button" href={link('chat', character.id)} aria-label={`Talk to ${character.name}`}>
                Talk
              </a>
              <a
                class="button quiet"
                href={link('imagine', character.id)}
                aria-label={`Draw ${character.name}`}
              >
                Draw
              </a>
            </p>
          </li>
        ))}
      </ul>
    </main>
  );
}
