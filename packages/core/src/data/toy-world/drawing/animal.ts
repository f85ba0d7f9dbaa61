/** The whole character around the middle of its head; standing, its feet are at y = 124. */
import type { Look, ToyScene } from '../attributes.js';
import { accessory, outfit } from './clothes.js';
import { face } from './face.js';
import { heldObject } from './objects.js';
import { paint } from './palette.js';
import { circle, clipped, ellipse, group, line, rect } from './shapes.js';
import { anatomy } from './species.js';

/** Arms as paths from shoulder to hand; the object sits in the right hand. */
interface Limbs {
  readonly left: string;
  readonly right: string;
  readonly hand: readonly [number, number];
  readonly legs: readonly (readonly [number, number, number])[];
  /** Degrees by which the whole character is turned. */
  readonly turn?: number;
  readonly lift?: number;
}

const DOWN = 'M-28 52 Q-48 66 -46 90';
const HOLD = 'M28 52 Q48 74 60 64';
const STAND: Limbs['legs'] = [
  [-17, 118, 0],
  [17, 118, 0],
];

const POSES: Readonly<Record<ToyScene['pose'], Limbs>> = {
  standing: { left: DOWN, right: HOLD, hand: [60, 62], legs: STAND },
  waving: { left: 'M-28 52 Q-66 44 -70 4', right: HOLD, hand: [60, 62], legs: STAND },
  sitting: {
    left: DOWN,
    right: HOLD,
    hand: [60, 62],
    legs: [
      [-34, 112, -24],
      [34, 112, 24],
    ],
    lift: -8,
  },
  walking: {
    left: 'M-28 52 Q-54 56 -62 78',
    right: HOLD,
    hand: [60, 62],
    legs: [
      [-30, 114, 26],
      [24, 120, -6],
    ],
    turn: 5,
  },
  jumping: {
    left: 'M-28 52 Q-62 48 -66 18',
    right: 'M28 52 Q62 48 66 18',
    hand: [66, 14],
    legs: [
      [-28, 108, 34],
      [28, 108, -34],
    ],
    lift: 34,
  },
  dancing: {
    left: 'M-28 52 Q-66 40 -52 -2',
    right: 'M28 56 Q58 88 74 78',
    hand: [74, 76],
    legs: [
      [-16, 120, 0],
      [36, 106, -40],
    ],
    turn: -11,
  },
  lying: { left: DOWN, right: HOLD, hand: [60, 62], legs: STAND, turn: 78 },
};

const BODIES: Readonly<Record<Look['build'], readonly [number, number]>> = {
  slim: [29, 42],
  round: [43, 43],
  tall: [33, 52],
};

/** Spots, stripes or a patch in a box around the given middle, to be clipped by head or body. */
function pattern(look: Look, x: number, y: number, part: 'head' | 'body'): string {
  const fill = paint(look.patternColour).base;
  switch (look.pattern) {
    case 'plain':
      return '';
    case 'spots':
      return (
        [
          [-34, -20],
          [-8, -31],
          [30, -22],
          [-38, 12],
          [38, 8],
          [6, 34],
          [-20, 30],
        ] as const
      )
        .map(([dx, dy]) => circle(x + dx, y + dy, 8.5, fill))
        .join('');
    case 'stripes':
      return part === 'head'
        ? [-20, 0, 20].map((dx) => rect(x + dx - 4.5, y - 50, 9, 27, fill, 4)).join('')
        : [-22, -4, 14, 32].map((dy) => rect(x - 60, y + dy, 120, 8, fill)).join('');
    case 'belly patch':
      return part === 'body' ? ellipse(x, y + 4, 22, 32, fill) : '';
    case 'mask':
      return part === 'head' ? rect(x - 60, y - 23, 120, 31, fill) : '';
  }
}

/** A character in a pose, with a face and what it holds. */
export function animal(look: Look, scene: ToyScene): string {
  const fur = paint(look.colour);
  const limbs = POSES[scene.pose];
  const parts = anatomy(look.species, fur);
  const wear = outfit(look);
  const [rx, ry] = BODIES[look.build];
  const bodyShape = ellipse(0, 74, rx, ry, fur.base);
  const arm = (d: string) =>
    line(d, wear.sleeve ?? fur.shade, 15) + (wear.sleeve ? '' : line(d, fur.base, 11));
  const hand = (d: string) => {
    const [x, y] = d.split(' ').slice(-2).map(Number) as [number, number];
    return circle(x, y, 9, fur.base);
  };
  const legs = limbs.legs.map(([x, y, angle]) =>
    group(
      `rotate(${angle} ${x} ${y})`,
      ellipse(x, y - 8, 11, 16, fur.shade),
      ellipse(x, y + 2, 16, 8, fur.shade),
    ),
  );
  const figure = [
    wear.behind,
    parts.tail,
    ...legs,
    bodyShape,
    clipped('body', bodyShape, pattern(look, 0, 74, 'body'), wear.onBody),
    wear.over,
    arm(limbs.left) + hand(limbs.left),
    arm(limbs.right) + hand(limbs.right),
    parts.ears,
    parts.head,
    clipped('head', parts.head, pattern(look, 0, 0, 'head')),
    parts.muzzle,
    face(look, scene.expression, parts),
    accessory(look, parts),
    group(`translate(${limbs.hand[0]} ${limbs.hand[1]})`, heldObject(scene.object)),
  ];
  // A close view would lose a jumping character at its upper edge.
  const lift = scene.framing === 'close' ? 0 : (limbs.lift ?? 0);
  return group(`translate(0 ${-lift}) rotate(${limbs.turn ?? 0} 0 74)`, ...figure);
}
