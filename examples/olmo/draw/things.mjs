/** Things that stand, grow, fall or are held. */

import { circle, ellipse, group, line, path, rect, scatter } from './shapes.mjs';

export const cloud = (x, y, size = 1, fill = '#fff') =>
  group(
    `translate(${x} ${y}) scale(${size})`,
    ellipse(0, 6, 34, 12, fill),
    circle(-14, 0, 13, fill),
    circle(6, -6, 17, fill),
    circle(22, 2, 10, fill),
  );

export const sun = (x, y, r = 22, fill = '#ffd75e') =>
  circle(x, y, r * 1.45, fill, 'opacity="0.35"') + circle(x, y, r, fill);

export const moon = (x, y, r, sky) =>
  circle(x, y, r, '#fdf3c7') + circle(x + r * 0.45, y - r * 0.25, r * 0.85, sky);

export const stars = (seed, count, height) =>
  scatter(seed, count, (random) =>
    circle(
      (random() * 256).toFixed(1),
      (random() * height).toFixed(1),
      (0.9 + random() * 1.5).toFixed(1),
      '#fff6d0',
    ),
  );

export const rain = scatter(7, 46, (random) => {
  const x = Math.round(random() * 270);
  const y = Math.round(random() * 250);
  return line(`M${x} ${y} l-4 13`, '#d9ecf7', 2.2);
});

export const snowfall = scatter(11, 54, (random) =>
  circle(Math.round(random() * 256), Math.round(random() * 256), (1.6 + random() * 2).toFixed(1), '#ffffff'),
);

export const flower = (x, y, fill) =>
  line(`M${x} ${y} v12`, '#4c8f4a', 2.5) +
  [0, 72, 144, 216, 288]
    .map((angle) => group(`rotate(${angle} ${x} ${y})`, circle(x, y - 4.5, 3.6, fill)))
    .join('') +
  circle(x, y, 3, '#fff3b0');

export const flowers = (seed, count, top, bottom, colours = ['#ffffff', '#f7d154', '#b77bd1']) =>
  scatter(seed, count, (random, i) =>
    flower(
      Math.round(8 + random() * 240),
      Math.round(top + random() * (bottom - top)),
      colours[i % colours.length],
    ),
  );

export const reed = (x, y, height) =>
  line(`M${x} ${y} v-${height}`, '#5b8c4a', 3.5) + rect(x - 4, y - height - 8, 8, 22, '#7d5534', 4);

export const lily = (x, y, size = 1) =>
  group(
    `translate(${x} ${y}) scale(${size})`,
    ellipse(0, 0, 17, 6, '#5fae62'),
    path('M0 0 L17 -4 L15 4Z', '#7fc7d6'),
    circle(-4, -4, 4.5, '#fff'),
    circle(-4, -4, 2, '#f7d154'),
  );

export const roundTree = (x, y, size, crown, trunk = '#8a5a3b') =>
  group(
    `translate(${x} ${y}) scale(${size})`,
    rect(-6, -40, 12, 44, trunk, 3),
    circle(0, -66, 34, crown),
    circle(-24, -50, 22, crown),
    circle(24, -50, 22, crown),
  );

export const fir = (x, y, size) =>
  group(
    `translate(${x} ${y}) scale(${size})`,
    rect(-5, -14, 10, 18, '#7b5540', 2),
    path('M0 -96 L24 -56 H-24Z', '#3f7f6c'),
    path('M0 -74 L31 -32 H-31Z', '#3f7f6c'),
    path('M0 -52 L38 -10 H-38Z', '#3f7f6c'),
    path('M0 -96 L13 -75 Q0 -68 -13 -75Z', '#fff'),
    path('M-21 -47 Q-8 -38 0 -46 Q10 -38 21 -47 L27 -38 Q10 -30 0 -37 Q-12 -30 -27 -38Z', '#fff'),
  );

export const mushroom = (x, y, size, cap) =>
  group(
    `translate(${x} ${y}) scale(${size})`,
    path('M-11 0 Q-6 -26 -9 -46 H9 Q6 -26 11 0Z', '#f7ead3'),
    path('M-40 -42 Q-36 -88 0 -88 Q36 -88 40 -42 Q0 -32 -40 -42Z', cap),
    circle(-16, -62, 6, '#fff3d6'),
    circle(10, -72, 7, '#fff3d6'),
    circle(22, -54, 5, '#fff3d6'),
  );

export const leaves = (seed, count, top, bottom) =>
  scatter(seed, count, (random, i) => {
    const x = Math.round(random() * 256);
    const y = Math.round(top + random() * (bottom - top));
    const fill = ['#e8792f', '#d64f2a', '#f2b13d'][i % 3];
    return group(
      `rotate(${Math.round(random() * 360)} ${x} ${y})`,
      path(`M${x - 7} ${y} Q${x} ${y - 7} ${x + 7} ${y} Q${x} ${y + 7} ${x - 7} ${y}Z`, fill),
    );
  });

/** Olmo's home: a blue teapot with a round door. */
export const teapotHouse = (x, y, size) =>
  group(
    `translate(${x} ${y}) scale(${size})`,
    line('M-62 -62 Q-108 -68 -102 -30 Q-96 -4 -62 -20', '#3d7fb0', 13),
    path('M58 -44 Q84 -50 92 -92 L110 -88 Q106 -24 60 -14Z', '#4b95c8'),
    ellipse(0, -48, 76, 56, '#4b95c8'),
    rect(-44, -4, 88, 10, '#3d7fb0', 5),
    ellipse(0, -98, 42, 15, '#3d7fb0'),
    circle(0, -118, 10, '#f4ba32'),
    path('M-26 2 V-34 A20 20 0 0 1 14 -34 V2Z', '#8a5a3b'),
    circle(6, -22, 3, '#f4ba32'),
    circle(42, -50, 15, '#3d7fb0'),
    circle(42, -50, 11.5, '#ffe89a'),
    line('M42 -61 V-39 M31 -50 H53', '#3d7fb0', 2.5),
  );

export const letter = (x, y, angle = 0) =>
  group(
    `translate(${x} ${y}) rotate(${angle})`,
    rect(-17, -12, 34, 24, '#fffdf5', 2),
    line('M-16 -11 L0 3 L16 -11', '#c9b99a', 2.2),
    circle(0, 3, 4, '#d5473f'),
  );

/** A big leaf on a stem, held over the head. */
export const leafUmbrella = (x, y) =>
  group(
    `translate(${x} ${y})`,
    line('M0 2 Q4 -60 -8 -112', '#3f7d3c', 5),
    path('M-96 -98 Q-64 -152 -6 -150 Q52 -152 80 -98 Q40 -112 -8 -108 Q-56 -112 -96 -98Z', '#63b35c'),
    line('M-7 -110 Q-8 -134 -6 -148 M-7 -110 Q-40 -128 -62 -124 M-7 -110 Q26 -128 50 -124', '#4b9548', 2.6),
  );

export const cup = (x, y) =>
  group(
    `translate(${x} ${y})`,
    line('M13 -8 Q24 -8 20 2 Q16 8 11 5', '#e9f2f7', 4),
    path('M-15 -14 H15 Q14 12 0 12 Q-14 12 -15 -14Z', '#e9f2f7'),
    ellipse(0, -14, 15, 4, '#8fc38a'),
  );

export const steam = (x, y) => line(`M${x} ${y} q-6 -7 0 -13 q6 -7 0 -13`, '#ffffff', 2.6);

export const book = (x, y) =>
  group(
    `translate(${x} ${y})`,
    path('M-34 -16 Q-16 -24 0 -15 Q16 -24 34 -16 V16 Q16 8 0 17 Q-16 8 -34 16Z', '#3f7fb5'),
    path('M-30 -17 Q-14 -24 0 -15 V13 Q-14 5 -30 12Z', '#fff8e6'),
    path('M30 -17 Q14 -24 0 -15 V13 Q14 5 30 12Z', '#fbefd2'),
  );

export const flute =
  line('M-26 34 L44 50', '#a97842', 7) +
  [0, 0.25, 0.5].map((t) => circle(6 + t * 34, 41.5 + t * 8, 1.8, '#5c3c1c')).join('');

export const note = (x, y, fill = '#fff3b0') =>
  ellipse(x, y, 5, 3.8, fill) + line(`M${x + 4.5} ${y - 1} v-17 q7 1 8 7`, fill, 2.6);
