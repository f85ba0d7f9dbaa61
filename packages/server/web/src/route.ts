import { useEffect, useState } from 'preact/hooks';

export type CharacterView = 'chat' | 'imagine';

/** What the page shows: `#/`, `#/chat/<model id>`, `#/imagine/<model id>`. */
export type Route =
  | { readonly view: 'gallery' }
  | { readonly view: CharacterView; readonly character: string };

function parse(hash: string): Route {
  const [path = ''] = hash.slice(1).split('?');
  const [, view, ...rest] = path.split('/');
  const character = rest.map(decodeURIComponent).join('/');
  return (view === 'chat' || view === 'imagine') && character !== ''
    ? { view, character }
    : { view: 'gallery' };
}

/** The address of a view. */
export function link(view: CharacterView, character: string): string {
  return `#/${view}/${character.split('/').map(encodeURIComponent).join('/')}`;
}

/** The conversation that the address names, so that a reload opens it again. */
export function chosenConversation(): string | null {
  return new URLSearchParams(location.hash.split('?')[1]).get('conversation');
}

/** Puts the conversation into the address, if the page still shows the character's conversations. */
export function rememberConversation(character: string, conversation: string | undefined): void {
  if (location.hash.split('?')[0] !== link('chat', character)) return;
  const query = conversation === undefined ? '' : `?conversation=${conversation}`;
  history.replaceState(null, '', link('chat', character) + query);
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parse(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}
