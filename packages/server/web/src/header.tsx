import type { Character } from './api/characters.js';
import { link, type Route } from './route.js';

interface HeaderProps {
  readonly view?: Route['view'];
  /** The character that the view is about. */
  readonly character?: Character | undefined;
  /** True when the server trains characters. */
  readonly trains?: boolean;
}

/** The page's name, which leads to the gallery, its parts, and the views of a character. */
export function Header({ view, character, trains = false }: HeaderProps) {
  const entry = (to: string, words: string, ...views: Route['view'][]) => (
    <a href={to} aria-current={view && views.includes(view) ? 'page' : undefined}>
      {words}
    </a>
  );
  return (
    <header>
      <a class="brand" href="#/">
        UniCharacter
      </a>
      {trains && (
        <nav aria-label="Parts of the page">
          {entry('#/', 'Characters', 'gallery')}
          {entry('#/create', 'Create', 'create')}
          {entry('#/jobs', 'Trainings', 'jobs', 'job', 'train')}
        </nav>
      )}
      {character && (
        <nav class="of-character" aria-label={character.name}>
          {entry(link('chat', character.id), 'Talk', 'chat')}
          {entry(link('imagine', character.id), 'Draw', 'imagine')}
        </nav>
      )}
    </header>
  );
}
