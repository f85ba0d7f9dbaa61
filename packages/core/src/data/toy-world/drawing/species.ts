/** What tells one species from another: ears, head, muzzle, tail. Coordinates are around the middle of the head. */
import type { Look } from '../attributes.js';
import { INK, type Paint } from './palette.js';
import { circle, ellipse, group, line, mirrored, path } from './shapes.js';

/** Parts of an animal, from back to front; the head's outline also clips its pattern. */
export interface Anatomy {
  /** Behind the head. */
  readonly ears: string;
  readonly head: string;
  /** Over the head and under the eyes. */
  readonly muzzle: string;
  /** Behind the body; the body's middle is at (0, 72). */
  readonly tail: string;
  /** Where the mouth is, in y. */
  readonly mouth: number;
  /** The right eye; the left one mirrors it. */
  readonly eye: Point;
  /** How much higher than on other heads a hat sits. */
  readonly hatLift: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

const PINK = '#f7a8b4';
const BEAK = '#f4a62a';

const roundHead = (fill: string, rx = 50, ry = 42) => ellipse(0, 0, rx, ry, fill);
const nose = (y: number, w = 6) => ellipse(0, y, w, w * 0.72, INK);
const curledTail = (fur: Paint) => line('M30 92 Q74 92 66 54 Q62 40 52 48', fur.shade, 13);
const bushyTail = (fur: Paint, tip: string) =>
  path('M24 98 C66 112 96 78 82 36 C70 44 58 62 24 76Z', fur.shade) +
  path('M82 36 C72 42 66 52 60 58 Q74 62 87 58 Q88 46 82 36Z', tip);

type Parts = Pick<Anatomy, 'ears' | 'head' | 'muzzle' | 'tail' | 'mouth'> & Partial<Anatomy>;

const BUILDERS: Readonly<Record<Look['species'], (fur: Paint) => Parts>> = {
  cat: (fur) => ({
    ears: mirrored(path('M-46 -12 L-46 -60 L-10 -36Z', fur.base) + path('M-40 -22 L-41 -49 L-20 -34Z', PINK)),
    head: roundHead(fur.base),
    muzzle:
      mirrored(line('M-20 14 L-54 8', INK, 1.8) + line('M-20 19 L-54 22', INK, 1.8)) +
      ellipse(0, 17, 17, 12, fur.light) +
      path('M-6 9 L6 9 L0 16Z', PINK),
    tail: curledTail(fur),
    mouth: 20,
  }),
  dog: (fur) => ({
    ears: mirrored(path('M-32 -34 C-66 -44 -74 6 -56 26 C-44 30 -40 2 -38 -12Z', fur.shade)),
    head: roundHead(fur.base),
    muzzle: ellipse(0, 18, 24, 17, fur.light) + nose(8, 9),
    tail: line('M30 88 Q58 78 62 50', fur.shade, 14),
    mouth: 22,
  }),
  fox: (fur) => ({
    ears: mirrored(path('M-50 -8 L-56 -66 L-8 -38Z', fur.base) + path('M-49 -42 L-56 -66 L-34 -53Z', INK)),
    head: path('M-54 -6 C-48 -48 48 -48 54 -6 C50 22 16 44 0 44 C-16 44 -50 22 -54 -6Z', fur.base),
    muzzle:
      path('M-52 2 C-30 4 -16 18 0 18 C16 18 30 4 52 2 C46 26 14 43 0 43 C-14 43 -46 26 -52 2Z', '#fdf6ec') +
      nose(18, 6),
    tail: bushyTail(fur, '#fdf6ec'),
    mouth: 25,
  }),
  bear: (fur) => ({
    ears: mirrored(circle(-38, -34, 17, fur.base) + circle(-38, -34, 9, fur.shade)),
    head: roundHead(fur.base, 51, 44),
    muzzle: ellipse(0, 19, 22, 17, fur.light) + nose(10, 8),
    tail: circle(34, 92, 12, fur.shade),
    mouth: 22,
  }),
  rabbit: (fur) => ({
    ears: mirrored(
      group('rotate(-10 -20 -30)', ellipse(-20, -66, 13, 40, fur.base), ellipse(-20, -64, 6.5, 30, PINK)),
    ),
    head: roundHead(fur.base, 46, 40),
    muzzle: ellipse(-8, 18, 12, 9, fur.light) + ellipse(8, 18, 12, 9, fur.light) + ellipse(0, 10, 5, 4, PINK),
    tail: circle(36, 94, 15, fur.light),
    mouth: 20,
  }),
  mouse: (fur) => ({
    ears: mirrored(circle(-46, -34, 26, fur.base) + circle(-46, -34, 17, PINK)),
    head: path('M-44 -8 C-44 -46 44 -46 44 -8 C44 20 16 40 0 42 C-16 40 -44 20 -44 -8Z', fur.base),
    muzzle: ellipse(0, 22, 15, 13, fur.light) + ellipse(0, 14, 6, 5, PINK),
    tail: line('M28 98 Q70 112 84 70', PINK, 6),
    mouth: 23,
  }),
  frog: (fur) => ({
    ears: mirrored(circle(-27, -32, 19, fur.base)),
    head: ellipse(0, 2, 54, 38, fur.base),
    muzzle: ellipse(0, 20, 40, 17, fur.light) + circle(-4, 8, 1.8, fur.shade) + circle(4, 8, 1.8, fur.shade),
    tail: '',
    mouth: 18,
    // Frogs carry their eyes on top of the head.
    eye: { x: 27, y: -30 },
    hatLift: 12,
  }),
  penguin: (fur) => ({
    ears: line('M0 -42 Q6 -58 16 -58', fur.base, 6),
    head: roundHead(fur.base, 46, 42),
    muzzle:
      mirrored(ellipse(-17, 4, 19, 24, '#fdfbf7')) +
      ellipse(0, 20, 26, 17, '#fdfbf7') +
      path('M-12 10 L12 10 L0 24Z', BEAK),
    tail: path('M20 104 L46 114 L26 92Z', fur.shade),
    mouth: 26,
  }),
  owl: (fur) => ({
    ears: mirrored(path('M-48 -22 L-50 -62 L-14 -40Z', fur.shade)),
    head: roundHead(fur.base, 51, 44),
    muzzle: mirrored(circle(-20, -3, 23, fur.light)) + path('M-8 8 L8 8 L0 24Z', BEAK),
    tail: path('M16 100 L50 122 L30 86Z', fur.shade),
    mouth: 28,
  }),
  dragon: (fur) => ({
    ears:
      mirrored(path('M-34 -28 L-46 -66 L-18 -40Z', '#f6e6b8')) + path('M-10 -38 L0 -58 L10 -38Z', fur.shade),
    head: path('M-50 -8 C-50 -50 50 -50 50 -8 C50 34 26 42 0 42 C-26 42 -50 34 -50 -8Z', fur.base),
    muzzle: ellipse(0, 21, 31, 17, fur.light) + circle(-9, 14, 3, fur.shade) + circle(9, 14, 3, fur.shade),
    tail:
      path('M22 96 C60 112 88 88 86 52 L94 40 L76 46 C74 70 54 80 22 76Z', fur.shade) +
      path('M-30 56 C-78 16 -92 40 -88 74 C-72 62 -60 76 -34 80Z', fur.light),
    mouth: 24,
  }),
};

export function anatomy(species: Look['species'], fur: Paint): Anatomy {
  return { eye: { x: 21, y: -6 }, hatLift: 0, ...BUILDERS[species](fur) };
}
