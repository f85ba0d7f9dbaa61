import { usePicture } from './use-picture.js';

/** A picture of the server in its place in the text. */
export function Picture({ source, alt }: { source: string; alt: string }) {
  const address = usePicture(source);
  return address ? (
    <a
      class="picture"
      href={address}
      target="_blank"
      rel="noreferrer"
      aria-label={`Open the picture: ${alt}`}
    >
      <img src={address} alt={alt} />
    </a>
  ) : (
    <span class="picture waiting" role="img" aria-label={alt} />
  );
}
