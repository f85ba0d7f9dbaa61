/** Olmo himself. Drawn around (0, 0) = the middle of his head; standing, his feet are at y = 118. */

import { circle, ellipse, group, line, path, rect } from './shapes.mjs';

const SKIN = '#f8afbe';
const SHADE = '#ee8fa6';
const BELLY = '#fde0e5';
const GILL = '#e4587e';
const FRINGE = '#c23863';
const SCARF = '#f4ba32';
const STRIPE = '#d8901c';
const INK = '#3b2937';

/** Where the hands go: the end points of the two arms and the bend on the way. */
const ARMS = {
  down: { left: 'M-24 54 Q-42 70 -36 90', right: 'M24 54 Q42 70 36 90' },
  wave: { left: 'M-24 54 Q-42 70 -36 90', right: 'M24 54 Q58 58 66 26' },
  up: { left: 'M-24 54 Q-58 52 -68 24', right: 'M24 54 Q58 52 68 24' },
  front: { left: 'M-26 56 Q-42 78 -12 80', right: 'M26 56 Q42 78 12 80' },
  hold: { left: 'M-24 54 Q-42 70 -36 90', right: 'M24 54 Q44 76 50 58' },
  flute: { left: 'M-26 56 Q-46 66 -14 44', right: 'M26 56 Q52 68 42 46' },
  wide: { left: 'M-24 54 Q-46 60 -62 70', right: 'M24 54 Q46 60 62 70' },
};

const LEGS = {
  stand: ellipse(-15, 112, 14, 8, SHADE) + ellipse(15, 112, 14, 8, SHADE),
  walk: group('rotate(-16 -15 108)', ellipse(-19, 111, 14, 8, SHADE)) + ellipse(20, 112, 14, 8, SHADE),
  jump:
    group('rotate(28 -20 108)', ellipse(-24, 108, 14, 8, SHADE)) +
    group('rotate(-28 20 108)', ellipse(24, 108, 14, 8, SHADE)),
  sit: ellipse(-28, 106, 17, 9, SHADE) + ellipse(28, 106, 17, 9, SHADE),
};

const roundEye = (x, y, r = 6.5) => circle(x, y, r, INK) + circle(x + 2, y - 2.4, r * 0.34, '#fff');
const arcUp = (x) => line(`M${x - 7} 1 Q${x} -8 ${x + 7} 1`, INK, 3.2);
const arcDown = (x) => line(`M${x - 7} -1 Q${x} 7 ${x + 7} -1`, INK, 3.2);
const smile = line('M-10 13 Q0 22 10 13', INK, 3);

const FACES = {
  happy: roundEye(-27, -2) + roundEye(27, -2) + smile,
  laughing:
    arcUp(-27) +
    arcUp(27) +
    path('M-12 10 Q0 12 12 10 Q10 27 0 27 Q-10 27 -12 10Z', INK) +
    ellipse(0, 23, 5.5, 3.4, '#f06f86'),
  surprised:
    circle(-27, -3, 10, '#fff') +
    circle(27, -3, 10, '#fff') +
    roundEye(-27, -3, 6) +
    roundEye(27, -3, 6) +
    ellipse(0, 18, 5, 6.5, INK),
  calm: arcDown(-27) + arcDown(27) + smile,
  asleep: arcDown(-27) + arcDown(27) + ellipse(0, 16, 3.6, 3, INK),
  thinking:
    circle(-27, -2, 8, '#fff') +
    circle(27, -2, 8, '#fff') +
    circle(-25, -5, 5, INK) +
    circle(29, -5, 5, INK) +
    line('M-7 14 Q1 19 9 13', INK, 3),
};

function gill(y, angle, length) {
  const fringe = [0.3, 0.5, 0.7, 0.88].map((t) => {
    const size = 6.6 - t * 2;
    return (
      ellipse(length * t, -7 + t * 2, size * 0.72, size, FRINGE) +
      ellipse(length * t, 7 - t * 2, size * 0.72, size, FRINGE)
    );
  });
  const stalk = path(
    `M-6 -8 Q${length * 0.6} -7 ${length} -3 Q${length + 5} 0 ${length} 3 Q${length * 0.6} 7 -6 8Z`,
    GILL,
  );
  return group(`translate(46 ${y}) rotate(${angle})`, ...fringe, stalk);
}

const gills = gill(-19, -40, 40) + gill(-3, -10, 44) + gill(13, 20, 38);

const head =
  gills +
  group('scale(-1 1)', gills) +
  path('M-56 4C-56-32-32-43 0-43C32-43 56-32 56 4C56 30 32 39 0 39C-32 39-56 30-56 4Z', SKIN) +
  ellipse(-37, 13, 9, 6, SHADE) +
  ellipse(37, 13, 9, 6, SHADE) +
  circle(-5, -29, 2.6, SHADE) +
  circle(6, -33, 2, SHADE);

const scarfBand =
  path('M-33 30C-18 42 18 42 33 30C40 38 38 48 34 50C18 60-18 60-34 50C-38 48-40 38-33 30Z', SCARF) +
  line('M-17 40 L-19 53', STRIPE, 4) +
  line('M0 42 L0 56', STRIPE, 4) +
  line('M17 40 L19 53', STRIPE, 4);

const scarfEnd = (angle) =>
  group(
    `translate(-17 50) rotate(${angle})`,
    rect(-9, -4, 18, 38, SCARF, 5),
    rect(-9, 15, 18, 5, STRIPE),
    rect(-9, 26, 18, 4, STRIPE),
  );

const tail =
  path('M10 96C46 118 84 102 84 62C84 52 72 50 68 60C62 78 40 82 16 74Z', GILL) +
  path('M10 92C42 108 74 94 78 64C76 58 71 60 69 64C62 80 40 86 16 78Z', SKIN);

const body =
  path('M-25 30C-36 60-38 96-24 108C-10 116 10 116 24 108C38 96 36 60 25 30Z', SKIN) +
  ellipse(0, 82, 19, 25, BELLY);

/**
 * @param look  `arms`, `legs`, `face`: keys of the tables above; `tilt`: degrees the head leans; `held`: SVG in his
 *   hands, drawn over the arms; `behind`: SVG held behind them; `scarf`: degrees the end of the scarf flies
 */
export function axolotl({
  arms = 'down',
  legs = 'stand',
  face = 'happy',
  tilt = 0,
  held = '',
  behind = '',
  scarf = 6,
}) {
  const { left, right } = ARMS[arms];
  return [
    tail,
    LEGS[legs],
    body,
    behind,
    line(left, SHADE, 14),
    line(right, SHADE, 14),
    group(`rotate(${tilt} 0 34)`, head, FACES[face]),
    scarfBand,
    scarfEnd(scarf),
    held,
  ].join('');
}

/** Only head and scarf, for pictures in which a blanket hides the rest. */
export function axolotlHead(face, tilt = 0) {
  return group(`rotate(${tilt})`, head, FACES[face], scarfBand);
}
