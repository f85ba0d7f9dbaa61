import { useEffect } from 'preact/hooks';
import type { Character } from './api/characters.js';
import { Chat } from './chat/chat.js';
import { Gallery } from './gallery/gallery.js';
import { Header } from './header.js';
import { Imagine } from './imagine/imagine.js';
import { lazyView } from './lazy-view.js';
import { type Route, useRoute } from './route.js';

const Create = lazyView(async () => (await import('./create/create.js')).Create);
const Train = lazyView(async () => (await import('./training/train.js')).Train);
const JobList = lazyView(async () => (await import('./training/job-list.js')).JobList);
const JobView = lazyView(async () => (await import('./training/job-view.js')).JobView);

interface ViewsProps {
  readonly characters: readonly Character[];
  /** True when the server takes characters and trains them. */
  readonly trains: boolean;
  /** Asks the server for its characters again. */
  readonly onTrained: () => void;
}

/** The header, and the view that the address names. */
export function Views(props: ViewsProps) {
  const route = useRoute();
  const character =
    'character' in route ? props.characters.find(({ id }) => id === route.character) : undefined;
  const title = [character?.name, 'UniCharacter'].filter((part) => part !== undefined).join(' – ');
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <Header view={route.view} character={character} trains={props.trains} />
      <View {...props} route={route} character={character} />
    </>
  );
}

interface ViewProps extends ViewsProps {
  readonly route: Route;
  readonly character: Character | undefined;
}

function View({ characters, trains, onTrained, route, character }: ViewProps) {
  switch (route.view) {
    case 'gallery':
      return <Gallery characters={characters} trains={trains} />;
    case 'create':
      return <Create />;
    case 'train':
      return <Train key={route.upload} id={route.upload} />;
    case 'jobs':
      return <JobList />;
    case 'job':
      return <JobView key={route.job} id={route.job} onTrained={onTrained} />;
    default:
      if (!character) return <Unknown id={route.character} />;
      return route.view === 'chat' ? (
        <Chat key={character.id} character={character} />
      ) : (
        <Imagine key={character.id} character={character} />
      );
  }
}

function Unknown({ id }: { id: string }) {
  return (
    <main>
      <p class="notice" role="alert">
        There is no character “{id}”. <a href="#/">Choose another</a>
      </p>
    </main>
  );
}
