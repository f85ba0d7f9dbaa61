import { useEffect, useState } from 'preact/hooks';

export type CharacterView = 'chat' | 'imagine';

/**
 * What the page shows: `#/`, `#/chat/<model id>`, `#/imagine/<model id>`, `#/create`, `#/train/<upload id>`, `#/jobs`,
 * `#/jobs/<job id>`.
 */
export type Route =
  | { readonly view: 'gallery' | 'create' | 'jobs' }
  | { readonly view: CharacterView; readonly character: string }
  | { readonly view: 'train'; readonly upload: string }
  | { readonly view: 'job'; readonly job: string };

function parse(hash: string): Route {
  const [path = ''] = hash.slice(1).split('?');
  const [, view, ...rest] = path.split('/');
  const id = rest.map(decodeURIComponent).join('/');
  if (view === 'create') return { view };
  if (view === 'jobs') return id === '' ? { view } : { view: 'job', job: id };
  if (id === '') return { view: 'gallery' };
  if (view === 'chat' || view === 'imagine') return { view, character: id };
  return view === 'train' ? { view, upload: id } : { view: 'gallery' };
}

/** The address of a character's view. */
export function link(view: CharacterView, character: string): string {
  return `#/${view}/${character.split('/').map(encodeURIComponent).join('/')}`;
}

export const trainLink = (upload: string): string => `#/train/${upload}`;
export const jobLink = (job: string): string => `#/jobs/${job}`;

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
