import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Character } from '../api/characters.js';
import { wordsOf } from '../api/request.js';
import { fetchUploads, type Upload } from '../api/uploads.js';
import { Icon } from '../shared/icon.js';
import { Problem } from '../shared/problem.js';
import { CharacterCard } from './character-card.js';
import { UploadCard } from './upload-card.js';

interface GalleryProps {
  readonly characters: readonly Character[];
  /** True when the server takes characters and trains them. */
  readonly trains: boolean;
}

/** All characters: those that talk, and those that wait to be trained. */
export function Gallery({ characters, trains }: GalleryProps) {
  return (
    <main>
      <div class="row">
        <h1>Characters</h1>
        <span class="spring" />
        {trains && (
          <a class="button" href="#/create">
            <Icon name="plus" />
            Create a character
          </a>
        )}
      </div>
      {characters.length === 0 && (
        <p class="notice">Nobody talks here yet. Create a character and train it: it will stand here.</p>
      )}
      <ul class="gallery">
        {characters.map((character) => (
          <CharacterCard key={character.id} character={character} />
        ))}
      </ul>
      {trains && <Uploads />}
    </main>
  );
}

function Uploads() {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const [problem, setProblem] = useState('');
  const load = useCallback(() => {
    fetchUploads().then(
      (found = []) => setUploads(found),
      (error) => setProblem(wordsOf(error)),
    );
  }, []);
  useEffect(load, [load]);
  if (problem !== '') return <Problem>{problem}</Problem>;
  if (uploads.length === 0) return null;
  return (
    <section aria-labelledby="uploads">
      <h2 id="uploads">Made here</h2>
      <p class="hint">
        Data of characters: what they learn from. After a training they stand above and talk.
      </p>
      <ul class="gallery">
        {uploads.map((upload) => (
          <UploadCard key={upload.id} upload={upload} onRemoved={load} />
        ))}
      </ul>
    </section>
  );
}
