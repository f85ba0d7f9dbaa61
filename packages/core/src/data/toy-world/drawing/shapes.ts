/** SVG elements as strings. Lengths are in units of the 256 × 256 drawing. */

const two = (value: number) => String(Math.round(value * 100) / 100);

export const circle = (x: number, y: number, r: number, fill: string): string =>
  `<circle cx="${two(x)}" cy="${two(y)}" r="${two(r)}" fill="${fill}"/>`;

export const ellipse = (x: number, y: number, rx: number, ry: number, fill: string): string =>
  `<ellipse cx="${two(x)}" cy="${two(y)}" rx="${two(rx)}" ry="${two(ry)}" fill="${fill}"/>`;

export const rect = (x: number, y: number, w: number, h: number, fill: string, round = 0): string =>
  `<rect x="${two(x)}" y="${two(y)}" width="${two(w)}" height="${two(h)}" rx="${two(round)}" fill="${fill}"/>`;

export const path = (d: string, fill: string): string => `<path d="${d}" fill="${fill}"/>`;

export const line = (d: string, stroke: string, width: number): string =>
  `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${two(width)}" stroke-linecap="round" stroke-linejoin="round"/>`;

export const group = (transform: string, ...parts: readonly string[]): string =>
  `<g transform="${transform}">${parts.join('')}</g>`;

/** The parts, each once as it is and once mirrored left to right. */
export const mirrored = (...parts: readonly string[]): string =>
  `${parts.join('')}${group('scale(-1 1)', ...parts)}`;

/** What of `parts` lies inside `shape`; ids must be unique in a drawing. */
export const clipped = (id: string, shape: string, ...parts: readonly string[]): string =>
  `<clipPath id="${id}">${shape}</clipPath><g clip-path="url(#${id})">${parts.join('')}</g>`;
