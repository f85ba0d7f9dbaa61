import { useEffect, useState } from 'preact/hooks';

/** What the page shows: `#/`, `#/chat/<model id>`, `#/imagine/<model id>`. */
export interface Route {
  readonly view: 'gallery' | 'chat' | 'imagine';
  readonly character?: string;
}

function parse(hash: string): Route {
  const [, view, ...rest] = hash.slice(1).split('/');
  const character = rest.map(decodeURIComponent).join('/');
  return (view === 'chat' || view === 'imagine') && character !== ''
    ? { view, character }
    : { view: 'gallery' };
}

/** The address of a view. */
export function link(view: 'chat' | 'imagine', character: string): string {
  return `#/${view}/${character.split('/').map(encodeURIComponent).join('/')}`;
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
