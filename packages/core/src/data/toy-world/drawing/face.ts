/** Eyes and mouth of an expression. */
import type { Look, ToyScene } from '../attributes.js';
import { INK, iris } from './palette.js';
import { circle, ellipse, line, path } from './shapes.js';
import type { Anatomy } from './species.js';

type Eyes = (x: number, y: number, colour: string, side: -1 | 1) => string;

const open: Eyes = (x, y, colour) =>
  circle(x, y, 11, '#ffffff') +
  circle(x, y, 8, colour) +
  circle(x, y, 3.8, INK) +
  circle(x + 3, y - 3.5, 2.4, '#ffffff');
const wide: Eyes = (x, y, colour) =>
  circle(x, y, 14, '#ffffff') +
  circle(x, y, 7, colour) +
  circle(x, y, 3, INK) +
  circle(x + 2.5, y - 2.5, 1.8, '#ffffff');
const arcUp: Eyes = (x, y) => line(`M${x - 9} ${y + 3} Q${x} ${y - 10} ${x + 9} ${y + 3}`, INK, 4);
const arcDown: Eyes = (x, y) => line(`M${x - 9} ${y} Q${x} ${y + 9} ${x + 9} ${y}`, INK, 4);
const frowning: Eyes = (x, y, colour, side) =>
  open(x, y, colour, side) + line(`M${x + side * 11} ${y - 15} L${x - side * 8} ${y - 8}`, INK, 4.5);
const drooping: Eyes = (x, y, colour, side) =>
  open(x, y, colour, side) +
  line(`M${x + side * 11} ${y - 9} L${x - side * 8} ${y - 16}`, INK, 3.5) +
  ellipse(x, y + 17, 3.4, 5.5, '#5db8f2');

const EYES: Readonly<Record<ToyScene['expression'], Eyes>> = {
  happy: open,
  laughing: arcUp,
  sad: drooping,
  angry: frowning,
  surprised: wide,
  asleep: arcDown,
};

const MOUTHS: Readonly<Record<ToyScene['expression'], (y: number) => string>> = {
  happy: (y) => line(`M-10 ${y} Q0 ${y + 10} 10 ${y}`, INK, 3.4),
  laughing: (y) =>
    path(
      `M-13 ${y - 2} Q0 ${y + 1} 13 ${y - 2} Q10 ${y + 16} 0 ${y + 16} Q-10 ${y + 16} -13 ${y - 2}Z`,
      INK,
    ) + ellipse(0, y + 11, 6, 4, '#f0647d'),
  sad: (y) => line(`M-9 ${y + 8} Q0 ${y - 2} 9 ${y + 8}`, INK, 3.4),
  angry: (y) => line(`M-10 ${y + 6} L-4 ${y + 2} L3 ${y + 6} L10 ${y + 2}`, INK, 3.4),
  surprised: (y) => ellipse(0, y + 6, 6, 8, INK),
  asleep: (y) => ellipse(0, y + 5, 4, 3, INK),
};

/** @param anatomy of the character's species: where eyes and mouth are */
export function face(look: Look, expression: ToyScene['expression'], { eye, mouth }: Anatomy): string {
  const eyes = EYES[expression];
  const colour = iris(look.eyes);
  return eyes(-eye.x, eye.y, colour, -1) + eyes(eye.x, eye.y, colour, 1) + MOUTHS[expression](mouth);
}
