import { useEffect, useState } from 'preact/hooks';
import { type Character, fetchPicture } from './api.js';

/** The character's picture, or its first letter while there is none. */
export function Portrait({ character }: { character: Character }) {
  const { portrait, name } = character;
  const [source, setSource] = useState<string>();
  useEffect(() => {
    if (portrait === null) return;
    let address: string | undefined;
    let gone = false;
    fetchPicture(portrait).then(
      (fetched) => {
        address = fetched;
        if (gone) URL.revokeObjectURL(fetched);
        else setSource(fetched);
      },
      () => setSource(undefined),
    );
    return () => {
      gone = true;
      if (address) URL.revokeObjectURL(address);
    };
  }, [portrait]);
  return source ? (
    <img class="portrait" src={source} alt={name} />
  ) : (
    <span class="portrait letter" aria-hidden="true">
      {name.charAt(0)}
    </span>
  );
}
