/** Things in the right hand, drawn around the hand at (0, 0). */
import type { ToyScene } from '../attributes.js';
import { INK } from './palette.js';
import { circle, ellipse, group, line, mirrored, path, rect } from './shapes.js';

const petal = (angle: number) => group(`rotate(${angle})`, ellipse(0, -10, 6, 9, '#ff7fb0'));

const OBJECTS: Readonly<Record<ToyScene['object'], string>> = {
  nothing: '',
  balloon:
    line('M0 0 Q6 -24 2 -44', INK, 2) +
    ellipse(2, -66, 20, 24, '#ef3e4a') +
    path('M-3 -40 L7 -40 L2 -46Z', '#ef3e4a') +
    ellipse(-5, -74, 4, 7, '#ff9aa0'),
  book:
    rect(-17, -22, 34, 26, '#2e62b8', 3) +
    rect(-14, -19, 13, 20, '#fdfaf0') +
    rect(1, -19, 13, 20, '#fdfaf0') +
    line('M0 -20 L0 2', '#1d4687', 2.5),
  cup:
    rect(-11, -16, 22, 20, '#ffffff', 4) +
    line('M11 -12 Q22 -8 11 -1', '#ffffff', 4) +
    rect(-11, -9, 22, 5, '#f2a03d') +
    line('M-4 -22 Q-8 -28 -3 -34 M5 -22 Q1 -28 6 -34', '#e9e9ef', 2.6),
  ball:
    circle(2, -6, 17, '#f23f3f') +
    path('M-14 -12 A17 17 0 0 1 18 -12 Z', '#ffffff') +
    circle(2, -6, 5.5, '#f7cf3c'),
  umbrella:
    line('M0 4 L0 -60', '#6b4a2f', 4) +
    path(
      'M-44 -56 A44 40 0 0 1 44 -56 Q33 -64 22 -56 Q11 -64 0 -56 Q-11 -64 -22 -56 Q-33 -64 -44 -56Z',
      '#7c4fd0',
    ) +
    path('M-22 -56 Q-22 -84 0 -96 Q22 -84 22 -56 Q11 -64 0 -56 Q-11 -64 -22 -56Z', '#b493f0'),
  flower:
    line('M0 6 L0 -24', '#3b9a4b', 4) +
    group('translate(0 -32)', ...[0, 72, 144, 216, 288].map(petal), circle(0, 0, 6, '#f9d24a')),
  apple:
    mirrored(circle(-6, -6, 11, '#dc2f3c')) +
    line('M0 -14 Q1 -22 5 -25', '#6b4a2f', 3) +
    ellipse(9, -21, 7, 3.6, '#55b04f'),
  lantern:
    circle(0, 2, 24, 'rgba(255,221,110,0.35)') +
    line('M-9 -12 Q0 -24 9 -12', INK, 3) +
    rect(-10, -12, 20, 26, '#ffd54d', 4) +
    rect(-12, -14, 24, 5, INK, 2) +
    rect(-12, 12, 24, 5, INK, 2),
  guitar: group(
    'rotate(-38)',
    rect(-4, -62, 8, 48, '#6b4a2f', 2),
    rect(-7, -70, 14, 12, '#4b3220', 3),
    circle(0, -12, 13, '#d98b3a'),
    circle(0, 8, 18, '#d98b3a'),
    circle(0, 0, 6, INK),
    line('M0 -60 L0 16', '#f3e6cf', 1.6),
  ),
  fish:
    ellipse(0, -4, 19, 11, '#4fb3d9') +
    path('M15 -4 L31 -16 L31 8Z', '#2f8fb8') +
    circle(-9, -7, 2.4, INK) +
    line('M-2 -10 Q3 -4 -2 2', '#2f8fb8', 2.2),
};

export function heldObject(object: ToyScene['object']): string {
  return OBJECTS[object];
}
