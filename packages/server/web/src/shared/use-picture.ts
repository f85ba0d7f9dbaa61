import { useEffect, useState } from 'preact/hooks';
import { fetchPicture } from '../api/pictures.js';

/** The address of a picture for an `img` element: a data address as it is, one of the server's fetched with the key. */
export function usePicture(source: string | null): string | undefined {
  const direct = source?.startsWith('data:') ? source : undefined;
  const [fetched, setFetched] = useState<string>();
  useEffect(() => {
    if (source === null || direct !== undefined) return;
    let address: string | undefined;
    let gone = false;
    fetchPicture(source).then(
      (found) => {
        address = found;
        if (gone) URL.revokeObjectURL(found);
        else setFetched(found);
      },
      () => setFetched(undefined),
    );
    return () => {
      gone = true;
      setFetched(undefined);
      if (address) URL.revokeObjectURL(address);
    };
  }, [source, direct]);
  return direct ?? fetched;
}
