/** Backgrounds. Outdoors the sky shows time and weather; indoors the window does. The ground begins at y = 176. */
import { isIndoors, type ToyScene } from '../attributes.js';
import { circle, ellipse, group, line, path, rect } from './shapes.js';

const GROUND = 176;

const SKIES: Readonly<Record<ToyScene['time'], readonly [string, string]>> = {
  day: ['#8fd0f7', '#d9f1fb'],
  sunset: ['#f2789f', '#ffc27a'],
  night: ['#141b45', '#34407c'],
};

const STARS = [
  [24, 30],
  [66, 58],
  [104, 22],
  [148, 50],
  [196, 86],
  [236, 34],
  [180, 18],
  [40, 96],
] as const;

function lights(time: ToyScene['time']): string {
  if (time === 'day') return circle(212, 42, 21, '#ffe27a');
  if (time === 'sunset') return circle(206, 150, 30, '#fff0a8');
  const moon = circle(210, 44, 20, '#f7f2d2') + circle(219, 38, 17, '#1b2350');
  return STARS.map(([x, y]) => circle(x, y, 2.3, '#fdf9d8')).join('') + moon;
}

function sky(time: ToyScene['time']): string {
  const [top, bottom] = SKIES[time];
  const gradient =
    '<linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">' +
    `<stop offset="0" stop-color="${top}"/><stop offset="1" stop-color="${bottom}"/></linearGradient>`;
  return gradient + rect(0, 0, 256, 256, 'url(#sky)') + lights(time);
}

const ground = (fill: string, edge: string) =>
  path(`M0 ${GROUND} Q64 ${GROUND - 12} 128 ${GROUND} T256 ${GROUND} V256 H0Z`, fill) +
  line(`M0 ${GROUND} Q64 ${GROUND - 12} 128 ${GROUND} T256 ${GROUND}`, edge, 4);

const tuft = (x: number, y: number) =>
  line(`M${x} ${y} l-5 -10 M${x} ${y} l1 -13 M${x} ${y} l6 -9`, '#3c8f43', 3);
const pine = (x: number, y: number, s: number) =>
  group(
    `translate(${x} ${y}) scale(${s})`,
    rect(-6, -12, 12, 26, '#6d4a2e'),
    path('M-34 -8 L0 -62 L34 -8Z', '#2d7a45'),
    path('M-28 -38 L0 -88 L28 -38Z', '#37904f'),
  );
const bloom = (x: number, y: number, fill: string) =>
  line(`M${x} ${y + 16} L${x} ${y}`, '#3c8f43', 3) + circle(x, y, 7, fill) + circle(x, y, 3, '#fff3b0');

const OUTDOORS: Readonly<Record<string, string>> = {
  meadow:
    ground('#7cc95f', '#63b04b') + [24, 70, 190, 236].map((x, i) => tuft(x, 206 + (i % 2) * 26)).join(''),
  beach:
    rect(0, 150, 256, 34, '#2f9fd6') +
    line('M0 160 q16 -7 32 0 t32 0 t32 0 t32 0 t32 0 t32 0 t32 0 t32 0', '#bfe8f7', 3) +
    rect(0, 180, 256, 76, '#f2dca0') +
    group(
      'translate(38 186)',
      line('M0 0 Q8 -50 2 -88', '#8a5f38', 9),
      ...[-150, -110, -60, -20].map((angle) =>
        group(`translate(2 -88) rotate(${angle})`, ellipse(24, 0, 26, 7, '#3fa557')),
      ),
    ),
  forest:
    pine(34, 178, 1.25) +
    pine(84, 170, 0.9) +
    pine(180, 170, 0.95) +
    pine(226, 180, 1.3) +
    ground('#4f8f4a', '#3d7a3c'),
  street:
    [
      [8, 92, '#c96f5b'],
      [74, 70, '#d9b26a'],
      [186, 84, '#7f93b8'],
    ]
      .map(
        ([x, y, fill]) =>
          rect(x as number, y as number, 60, 120, fill as string) +
          [0, 1]
            .flatMap((c) =>
              [0, 1].map((r) =>
                rect((x as number) + 10 + c * 24, (y as number) + 14 + r * 30, 15, 19, '#fff2b8'),
              ),
            )
            .join(''),
      )
      .join('') +
    rect(0, GROUND, 256, 80, '#777c86') +
    [14, 84, 154, 224].map((x) => rect(x, 226, 34, 6, '#f3e9c4')).join(''),
  mountain:
    path('M-20 180 L62 62 L140 180Z', '#7b8399') +
    path('M62 62 L38 98 L54 92 L66 102 L84 94Z', '#ffffff') +
    path('M96 180 L186 44 L282 180Z', '#68708a') +
    path('M186 44 L160 84 L180 78 L194 92 L214 84Z', '#ffffff') +
    ground('#8f9f86', '#7a8b72'),
  lake:
    path('M0 176 Q60 132 130 168 T256 150 V256 H0Z', '#5da65a') +
    ellipse(128, 214, 150, 42, '#3f9fd0') +
    line('M52 206 q10 -5 20 0 M170 232 q10 -5 20 0 M96 238 q10 -5 20 0', '#bfe6f6', 3) +
    [
      [30, 214],
      [222, 208],
    ]
      .map(([x, y]) => ellipse(x as number, y as number, 15, 6, '#3f9d53'))
      .join(''),
  garden:
    rect(0, 128, 256, 60, '#e9d9b8') +
    [12, 52, 92, 132, 172, 212].map((x) => path(`M${x} 188 V126 l12 -12 l12 12 V188Z`, '#fdf8ea')).join('') +
    ground('#74bb5b', '#5fa449') +
    bloom(24, 202, '#e8485e') +
    bloom(62, 222, '#f6b63a') +
    bloom(202, 204, '#8d5bd8') +
    bloom(236, 224, '#e8485e'),
};

const window_ = (x: number, y: number, time: ToyScene['time']) => {
  const [, low] = SKIES[time];
  const [high] = SKIES[time];
  const light =
    time === 'night' ? circle(x + 44, y + 16, 8, '#f7f2d2') : circle(x + 44, y + 18, 10, '#ffe27a');
  return (
    rect(x - 5, y - 5, 70, 70, '#ffffff', 4) +
    rect(x, y, 60, 60, high) +
    rect(x, y + 34, 60, 26, low) +
    light +
    line(`M${x + 30} ${y} v60 M${x} ${y + 30} h60`, '#ffffff', 4)
  );
};
const floor = (fill: string, skirting: string) =>
  rect(0, GROUND, 256, 80, fill) + rect(0, GROUND - 6, 256, 7, skirting);

const INDOORS: Readonly<Record<string, (time: ToyScene['time']) => string>> = {
  kitchen: (time) =>
    rect(0, 0, 256, 256, '#f8e3bd') +
    window_(18, 34, time) +
    rect(176, 96, 80, 82, '#5fae9b', 4) +
    rect(182, 106, 68, 28, '#74c5b1', 3) +
    rect(170, 88, 90, 12, '#8a5f3c', 3) +
    rect(196, 62, 34, 26, '#cfd4db', 6) +
    line('M188 66 H238', '#8f97a3', 5) +
    floor('#d9a86a', '#b9854a'),
  library: (time) =>
    rect(0, 0, 256, 256, '#8f6b4c') +
    window_(98, 26, time) +
    [8, 178]
      .map(
        (x) =>
          rect(x, 20, 70, 158, '#5f4029', 3) +
          [0, 1, 2]
            .map(
              (shelf) =>
                ['#c9433f', '#e2b13c', '#3f7fc4', '#4d9f5f', '#a45bb5']
                  .map((fill, i) => rect(x + 6 + i * 12, 32 + shelf * 50, 10, 36, fill, 1))
                  .join('') + rect(x, 70 + shelf * 50, 70, 5, '#4b3220'),
            )
            .join(''),
      )
      .join('') +
    floor('#b07d4e', '#7d5432'),
  bedroom: (time) =>
    rect(0, 0, 256, 256, '#c9bdf0') +
    window_(164, 30, time) +
    rect(6, 120, 96, 62, '#8a5f3c', 6) +
    rect(10, 140, 92, 40, '#f3a6bd', 8) +
    rect(14, 130, 36, 20, '#ffffff', 8) +
    floor('#9c87c9', '#ffffff') +
    ellipse(140, 222, 92, 24, '#f6d36a'),
};

/** The picture behind the character. */
export function background({ place, time }: ToyScene): string {
  if (isIndoors(place)) return (INDOORS[place] as (time: ToyScene['time']) => string)(time);
  const dusk = {
    day: '',
    sunset: rect(0, 0, 256, 256, 'rgba(240,110,70,0.14)'),
    night: rect(0, 0, 256, 256, 'rgba(12,16,58,0.42)'),
  };
  return sky(time) + OUTDOORS[place] + dusk[time];
}
