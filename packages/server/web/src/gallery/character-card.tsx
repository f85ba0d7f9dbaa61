import type { Character } from '../api/characters.js';
import { link } from '../route.js';
import { Portrait } from '../shared/portrait.js';

/** A character that talks and draws. */
export function CharacterCard({ character }: { character: Character }) {
  const { id, name, description, portrait } = character;
  return (
    <li class="card">
      <Portrait name={name} source={portrait} />
      <h2>{name}</h2>
      <p class="description">{description}</p>
      <p class="actions">
        <a class="button" href={link('chat', id)} aria-label={`Talk to ${name}`}>
          Talk
        </a>
        <a class="button quiet" href={link('imagine', id)} aria-label={`Draw ${name}`}>
          Draw
        </a>
      </p>
    </li>
  );
}
