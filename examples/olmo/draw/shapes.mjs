/** Small SVG helpers: every function returns a piece of SVG text. Coordinates are pixels of the 256 x 256 picture. */

export const circle = (x, y, r, fill, more = '') =>
  `<circle cx="${x}" cy="${y}" r="${r}" fill="${fill}" ${more}/>`;

export const ellipse = (x, y, rx, ry, fill, more = '') =>
  `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${fill}" ${more}/>`;

export const rect = (x, y, width, height, fill, radius = 0) =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${fill}"/>`;

export const path = (d, fill, more = '') => `<path d="${d}" fill="${fill}" ${more}/>`;

export const line = (d, stroke, width) =>
  `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;

export const group = (transform, ...parts) => `<g transform="${transform}">${parts.join('')}</g>`;

/** Numbers in [0, 1), always the same ones for the same seed, so that the pictures never change by themselves. */
export function sequence(seed) {
  let state = seed * 2654435761;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

/** `count` pieces, each made by `make(random, index)`. */
export function scatter(seed, count, make) {
  const random = sequence(seed);
  return Array.from({ length: count }, (_, index) => make(random, index)).join('');
}
