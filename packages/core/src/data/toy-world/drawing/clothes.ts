/** Outfits over the body and accessories on head and neck. */
import type { Look } from '../attributes.js';
import { INK, type Paint, paint } from './palette.js';
import { circle, ellipse, group, line, mirrored, path, rect } from './shapes.js';
import type { Anatomy, Point } from './species.js';

/** What an outfit puts behind the body, and what it puts on it (to be clipped by the body's outline). */
export interface Outfit {
  readonly behind: string;
  readonly onBody: string;
  /** Over the body without clipping. */
  readonly over: string;
  /** Colour of the sleeves; absent leaves the arms bare. */
  readonly sleeve?: string;
}

const BARE: Outfit = { behind: '', onBody: '', over: '' };
const wholeTop = (fill: string) => rect(-60, 30, 120, 58, fill);

const OUTFITS: Readonly<Record<Look['outfit'], (cloth: Paint) => Outfit>> = {
  nothing: () => BARE,
  shirt: (cloth) => ({
    behind: '',
    onBody: wholeTop(cloth.base) + rect(-60, 82, 120, 6, cloth.shade),
    over: circle(0, 58, 2.6, cloth.light) + circle(0, 70, 2.6, cloth.light),
    sleeve: cloth.base,
  }),
  sweater: (cloth) => ({
    behind: '',
    onBody: wholeTop(cloth.base) + [46, 60, 74].map((y) => rect(-60, y, 120, 7, cloth.light)).join(''),
    over: '',
    sleeve: cloth.base,
  }),
  overalls: (cloth) => ({
    behind: '',
    onBody:
      rect(-60, 76, 120, 50, cloth.base) +
      rect(-19, 52, 38, 30, cloth.base, 4) +
      rect(-10, 60, 20, 13, cloth.shade, 3),
    over: mirrored(line('M-16 55 L-22 38', cloth.base, 7) + circle(-16, 56, 3, cloth.light)),
  }),
  dress: (cloth) => ({
    behind: '',
    onBody: wholeTop(cloth.base),
    over:
      path('M-30 66 L30 66 L50 108 Q25 116 0 112 Q-25 116 -50 108Z', cloth.base) +
      line('M-47 104 Q-24 112 0 108 Q24 112 47 104', cloth.light, 5) +
      rect(-29, 64, 58, 6, cloth.shade),
    sleeve: cloth.base,
  }),
  cape: (cloth) => ({
    behind: path('M-30 34 C-58 56 -70 96 -66 118 Q0 128 66 118 C70 96 58 56 30 34Z', cloth.base),
    onBody: '',
    over: line('M-30 38 Q0 52 30 38', cloth.shade, 8) + circle(0, 46, 5.5, cloth.light),
  }),
};

export function outfit(look: Look): Outfit {
  return OUTFITS[look.outfit](paint(look.outfitColour));
}

const ACCESSORIES: Readonly<Record<Look['accessory'], (cloth: Paint, eye: Point) => string>> = {
  nothing: () => '',
  glasses: (cloth, { x, y }) =>
    mirrored(`<circle cx="${-x}" cy="${y}" r="16" fill="none" stroke="${cloth.base}" stroke-width="5"/>`) +
    line(`M${16 - x} ${y - 2} Q0 ${y - 6} ${x - 16} ${y - 2}`, cloth.base, 5),
  'top hat': (cloth) =>
    rect(-24, -84, 48, 46, cloth.base, 4) +
    rect(-24, -50, 48, 9, cloth.shade) +
    rect(-38, -42, 76, 9, cloth.base, 4),
  'wizard hat': (cloth) =>
    path('M-36 -34 L8 -98 L36 -34Z', cloth.base) +
    ellipse(0, -34, 46, 9, cloth.shade) +
    path('M2 -72 l3 7 7 0 -6 5 3 7 -7 -4 -7 4 3 -7 -6 -5 7 0Z', cloth.light),
  crown: (cloth) =>
    path('M-30 -36 L-34 -66 L-15 -50 L0 -72 L15 -50 L34 -66 L30 -36Z', cloth.base) +
    rect(-30, -42, 60, 8, cloth.shade) +
    circle(0, -50, 4, cloth.light),
  bow: (cloth) =>
    group(
      'translate(24 -40) rotate(14)',
      path('M0 0 L-24 -15 L-24 15Z', cloth.base),
      path('M0 0 L24 -15 L24 15Z', cloth.base),
      circle(0, 0, 7, cloth.shade),
    ),
  scarf: (cloth) =>
    line('M-30 40 Q0 56 30 40', cloth.base, 15) +
    rect(10, 46, 15, 36, cloth.base, 4) +
    rect(10, 70, 15, 6, cloth.light),
  headphones: (cloth) =>
    line('M-50 -2 C-54 -60 54 -60 50 -2', cloth.base, 7) +
    mirrored(rect(-60, -16, 17, 30, cloth.base, 7)) +
    mirrored(line('M-51 -8 L-51 6', INK, 2)),
};

const ON_TOP: readonly Look['accessory'][] = ['top hat', 'wizard hat', 'crown', 'bow'];

/** @param anatomy of the character's species: glasses sit on the eyes, hats on top of the head */
export function accessory(look: Look, { eye, hatLift }: Anatomy): string {
  const drawn = ACCESSORIES[look.accessory](paint(look.accessoryColour), eye);
  return ON_TOP.includes(look.accessory) && hatLift > 0 ? group(`translate(0 ${-hatLift})`, drawn) : drawn;
}
