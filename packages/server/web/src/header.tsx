import type { Character } from './api/characters.js';
import { link, type Route } from './route.js';

interface HeaderProps {
  readonly view?: Route['view'];
  /** The character that the view is about. */
  readonly character?: Character | undefined;
}

/** The page's name, which leads to the gallery, and the views of a character. */
export function Header({ view, character }: HeaderProps) {
  const here = (other: Route['view']) => (view === other ? 'page' : undefined);
  return (
    <header>
      <a class="brand" href="#/">
        UniCharacter
      </a>
      {character && (
        <nav aria-label={character.name}>
          <a href={link('chat', character.id)} aria-current={here('chat')}>
            Talk
          </a>
          <a href={link('imagine', character.id)} aria-current={here('imagine')}>
            Draw
          </a>
        </nav>
      )}
    </header>
  );
}
