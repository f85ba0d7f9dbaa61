import { usePicture } from './use-picture.js';

/** The picture of a character, or its first letter while there is none. */
export function Portrait({ name, source }: { name: string; source: string | null }) {
  const address = usePicture(source);
  return address ? (
    <img class="portrait" src={address} alt="" />
  ) : (
    <span class="portrait letter" aria-hidden="true">
      {[...name][0]}
    </span>
  );
}
