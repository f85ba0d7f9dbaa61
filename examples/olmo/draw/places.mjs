/** The places of Olmo's world. A place has a `back` (behind him) and a `front` (before him). */

import { circle, ellipse, group, line, path, rect, scatter } from './shapes.mjs';
import {
  cloud,
  fir,
  flowers,
  leaves,
  lily,
  moon,
  mushroom,
  rain,
  reed,
  roundTree,
  snowfall,
  stars,
  steam,
  sun,
  teapotHouse,
} from './things.mjs';

const SKY = {
  morning: '#fde7bd',
  day: '#aee0f5',
  sunset: '#fbb581',
  dusk: '#a58fd0',
  night: '#2b3468',
  rain: '#9fb6c6',
  snow: '#cfe3f0',
};

/** Night and dusk colour the land, but not Olmo: he has the same colours in every picture. */
const LAND_TINT = {
  night: ['#1f2a66', 0.5],
  dusk: ['#5b3f94', 0.18],
  sunset: ['#f07f3c', 0.16],
  rain: ['#5f7c92', 0.22],
};

function sky({ time, weather }) {
  const mood = weather === 'clear' ? time : time === 'night' ? 'night' : weather;
  const lights = {
    morning: sun(206, 46, 24, '#ffc94f') + cloud(66, 42, 0.9) + cloud(150, 70, 0.6),
    day: sun(212, 42) + cloud(60, 40, 1) + cloud(148, 62, 0.7),
    sunset: sun(54, 96, 30, '#ff8a4c') + cloud(180, 44, 0.9, '#ffd9b5') + cloud(96, 34, 0.6, '#ffd9b5'),
    dusk: stars(3, 16, 90) + cloud(60, 44, 0.8, '#c3b1e2'),
    night: stars(5, 44, 140) + moon(206, 46, 21, SKY.night),
    rain: cloud(52, 30, 1.2, '#c4d2dc') + cloud(140, 24, 1.3, '#b6c7d3') + cloud(224, 36, 1.1, '#c4d2dc'),
    snow: cloud(60, 32, 1.2, '#eef5fa') + cloud(190, 28, 1.2, '#eef5fa'),
  };
  return { mood, svg: rect(0, 0, 256, 256, SKY[mood]) + lights[mood] };
}

function tinted(mood, land) {
  const tint = LAND_TINT[mood];
  if (!tint) return land;
  const [colour, amount] = tint;
  return `<g>${land}</g><g style="opacity:${amount}">${land.replaceAll(/(fill|stroke)="#[0-9a-f]+"/g, `$1="${colour}"`)}</g>`;
}

const hills = (far, near) =>
  path('M0 150 Q50 108 118 140 Q190 100 256 136 V256 H0Z', far) +
  path('M0 188 Q80 152 160 180 Q214 192 256 172 V256 H0Z', near);

const outdoors =
  (makeLand, front = () => '') =>
  (when) => {
    const above = sky(when);
    const falling = { rain, snow: snowfall, clear: '' }[when.weather];
    return {
      back: above.svg + tinted(above.mood, makeLand(when)) + falling,
      front: tinted(above.mood, front(when)),
    };
  };

const house = outdoors(
  () =>
    hills('#a8d48a', '#86c06c') +
    teapotHouse(168, 186, 0.92) +
    path('M152 187 Q140 214 176 256 H96 Q134 214 134 187Z', '#e8d3a8') +
    flowers(21, 9, 200, 240),
);

const meadow = outdoors(
  () => hills('#9fd488', '#74bd62') + roundTree(34, 164, 0.8, '#57a556') + flowers(9, 16, 190, 244),
);

const hill = outdoors(
  () =>
    path('M0 176 Q60 150 128 158 V256 H0Z', '#8bbf78') +
    path('M-20 256 Q128 118 276 256Z', '#6aae5c') +
    roundTree(226, 204, 0.95, '#4b8f52'),
);

const pondLand =
  path('M0 132 Q60 104 128 124 Q200 100 256 126 V170 H0Z', '#8cc777') +
  rect(0, 156, 256, 100, '#7fc7d6') +
  line('M20 176 h34 M150 172 h46 M88 186 h26', '#a9e0ea', 3) +
  lily(34, 196) +
  lily(226, 188, 0.9) +
  reed(14, 176, 44) +
  reed(26, 172, 30) +
  reed(244, 172, 40);

const bank = path('M0 226 Q64 204 128 206 Q196 204 256 228 V256 H0Z', '#74bd62') + flowers(29, 5, 226, 242);

const pond = outdoors(() => pondLand + bank);

const boat = outdoors(
  () => pondLand,
  () =>
    path('M40 186 Q128 200 216 186 Q208 238 128 240 Q48 238 40 186Z', '#a8703f') +
    path('M40 186 Q128 200 216 186 Q215 194 211 202 Q128 214 45 202 Q41 194 40 186Z', '#c78d55') +
    line('M84 210 Q90 224 100 232 M128 213 V236 M172 210 Q166 224 156 232', '#8a5a30', 3) +
    path('M0 230 Q32 222 64 232 Q128 242 192 232 Q224 222 256 230 V256 H0Z', '#6cb8ca'),
);

const autumn = outdoors(
  () =>
    path('M0 160 Q128 130 256 160 V256 H0Z', '#e0a95c') +
    path('M0 196 Q128 176 256 196 V256 H0Z', '#c98443') +
    roundTree(34, 184, 1.15, '#e8792f', '#7a4c32') +
    roundTree(226, 186, 1.2, '#d64f2a', '#7a4c32') +
    roundTree(132, 160, 0.8, '#f2b13d', '#7a4c32') +
    leaves(13, 34, 196, 252),
);

const snowfield = outdoors(
  () => hills('#e6f0f7', '#fafdff') + fir(30, 176, 0.95) + fir(228, 172, 1.05) + fir(78, 150, 0.5),
);

const grove = outdoors(
  () =>
    hills('#6f9c7c', '#56866a') +
    mushroom(40, 198, 1, '#d9473f') +
    mushroom(218, 192, 1.15, '#e8713f') +
    mushroom(76, 172, 0.5, '#d9473f') +
    mushroom(180, 170, 0.5, '#f0a04b') +
    mushroom(246, 236, 0.6, '#d9473f'),
);

const windowWith = (x, y, r, view) =>
  circle(x, y, r + 6, '#a8713f') +
  `<clipPath id="w${x}"><circle cx="${x}" cy="${y}" r="${r}"/></clipPath><g clip-path="url(#w${x})">${view}</g>` +
  line(`M${x} ${y - r} V${y + r} M${x - r} ${y} H${x + r}`, '#a8713f', 4);

/** What the round window shows: a clear day, rain or the moon. */
const view = ({ time, weather }, x, y) => {
  const mood = time === 'night' ? 'night' : weather === 'clear' ? 'day' : weather;
  const extra = {
    night: stars(4, 60, 150) + moon(x + 10, y - 10, 13, SKY.night),
    rain,
    snow: snowfall,
    day: sun(x + 14, y - 12, 12),
  }[mood];
  return (
    rect(x - 60, y - 60, 120, 120, SKY[mood]) +
    extra +
    (mood === 'night' ? '' : ellipse(x, y + 44, 60, 28, mood === 'snow' ? '#fff' : '#8bbf78'))
  );
};

const kitchen = (when) => ({
  back:
    rect(0, 0, 256, 256, '#fbe6c4') +
    rect(0, 176, 256, 80, '#d9a56c') +
    windowWith(58, 66, 34, view(when, 58, 66)) +
    rect(132, 62, 112, 8, '#a8713f', 3) +
    [150, 178, 206].map((x, i) => rect(x, 40, 18, 22, ['#e2725b', '#4b95c8', '#7fb069'][i], 4)).join('') +
    rect(228, 46, 12, 16, '#f4ba32', 3),
  front:
    rect(-4, 204, 264, 16, '#b97f4a', 4) +
    rect(0, 218, 256, 40, '#9c6636') +
    teapotHouseless(52, 204) +
    steam(134, 168),
});

function teapotHouseless(x, y) {
  return group(
    `translate(${x} ${y})`,
    line('M-24 -22 Q-42 -24 -38 -10 Q-34 0 -22 -6', '#c9573f', 6),
    path('M22 -18 Q34 -20 38 -36 L46 -34 Q42 -8 22 -6Z', '#e2725b'),
    ellipse(0, -18, 29, 20, '#e2725b'),
    ellipse(0, -36, 15, 5, '#c9573f'),
    circle(0, -43, 4.5, '#f4ba32'),
  );
}

const bedroom = (when) => ({
  back:
    rect(0, 0, 256, 256, '#8fa9d6') +
    rect(0, 186, 256, 70, '#6f86b8') +
    windowWith(196, 60, 34, view(when, 196, 60)) +
    rect(14, 104, 228, 90, '#8a5a3b', 16) +
    rect(24, 114, 208, 76, '#a8713f', 10) +
    rect(52, 116, 152, 72, '#fffaf0', 26),
  front:
    path('M14 186 Q128 158 242 186 V256 H14Z', '#4f9d8f') +
    path('M14 186 Q128 158 242 186 V200 Q128 172 14 200Z', '#fffaf0') +
    scatter(17, 12, (random) =>
      circle(Math.round(30 + random() * 196), Math.round(208 + random() * 40), 4.5, '#f4ba32'),
    ),
});

const library = () => ({
  back:
    rect(0, 0, 256, 256, '#7a4f36') +
    [10, 74, 138]
      .map(
        (y) =>
          rect(8, y, 240, 54, '#5e3a26', 3) +
          scatter(y + 1, 15, (random, i) => {
            const height = Math.round(32 + random() * 18);
            return rect(
              12 + i * 15.6,
              y + 54 - height,
              13,
              height,
              ['#d9663f', '#4b95c8', '#7fb069', '#e8c25a', '#9a7bc0', '#e9dcc3'][Math.floor(random() * 6)],
              2,
            );
          }),
      )
      .join('') +
    rect(0, 200, 256, 56, '#c98f58') +
    ellipse(128, 234, 108, 18, '#a94f4a'),
  front: '',
});

export const PLACES = {
  house,
  meadow,
  hill,
  pond,
  boat,
  autumn,
  snowfield,
  grove,
  kitchen,
  bedroom,
  library,
};
