/** Outlines on a grid of 24 units. */
const PATHS = {
  again: 'M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6',
  close: 'M6 6l12 12M18 6L6 18',
  edit: 'M4 20h4L19 9l-4-4L4 16v4z',
  left: 'M14 6l-6 6 6 6',
  more: 'M5 12h14M13 6l6 6-6 6',
  picture: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01',
  plus: 'M12 5v14M5 12h14',
  right: 'M10 6l6 6-6 6',
  send: 'M12 20V5M5 12l7-7 7 7',
  stop: 'M7 7h10v10H7z',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
} as const;

export type IconName = keyof typeof PATHS;

/** A small drawing beside or in place of a word; the word itself stands in the control's label. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
