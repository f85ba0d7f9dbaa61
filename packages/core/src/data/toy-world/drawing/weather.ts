/** Clouds, rain and snow. */
import { isIndoors, type ToyScene } from '../attributes.js';
import { circle, ellipse, group, line } from './shapes.js';

const cloud = (x: number, y: number, scale: number, fill: string) =>
  group(
    `translate(${x} ${y}) scale(${scale})`,
    ellipse(0, 0, 40, 16, fill),
    circle(-16, -10, 17, fill),
    circle(12, -14, 21, fill),
  );

const clouds = (fill: string) =>
  cloud(52, 40, 1, fill) + cloud(140, 26, 0.8, fill) + cloud(214, 52, 1.05, fill);

/** 48 places spread over the picture without a visible grid: multiples of the golden ratio and of √2, modulo 1. */
const DROPS = Array.from({ length: 48 }, (_, i): [number, number] => [
  ((i * 0.618034) % 1) * 256,
  ((i * 0.414214 + 0.11) % 1) * 256,
]);

/** Behind the character. */
export function weatherBehind({ place, weather }: ToyScene): string {
  if (isIndoors(place) || weather === 'clear') return '';
  return clouds(weather === 'clouds' ? '#ffffff' : '#8d97ab');
}

/** In front of the character. */
export function weatherBefore({ place, weather }: ToyScene): string {
  if (isIndoors(place)) return '';
  if (weather === 'rain')
    return DROPS.map(([x, y]) => line(`M${x.toFixed(1)} ${y.toFixed(1)} l-4 13`, '#9fd3f5', 3)).join('');
  if (weather === 'snow') return DROPS.map(([x, y], i) => circle(x, y, 3 + (i % 3), '#ffffff')).join('');
  return '';
}
