/** What to draw, in words. */
import type { KeyedRandom } from '../../../random/keyed-random.js';
import type { Look, ToyScene } from '../attributes.js';
import { pick } from '../sample.js';
import { EXPRESSION, FRAMING, lookWords, OBJECT, POSE, settingWords } from './words.js';

interface Parts {
  readonly who: string;
  readonly doing: string;
  readonly setting: string;
  readonly face: string;
  readonly object: string;
  readonly view: string;
}

const LAYOUTS: readonly ((parts: Parts) => string)[] = [
  (p) => `${p.who} is ${p.doing} ${p.setting}, ${p.face}, ${p.object}, ${p.view}`,
  (p) => `A picture of ${p.who} ${p.doing} ${p.setting}, ${p.object}, ${p.face}, ${p.view}`,
  (p) => `Draw ${p.who} ${p.doing} ${p.setting}, ${p.face} and ${p.object}, ${p.view}`,
  (p) => `${p.view}: ${p.who}, ${p.face}, is ${p.doing} ${p.setting}, ${p.object}`,
  (p) => `${p.setting} ${p.who} is ${p.doing}, ${p.face}, ${p.object}, ${p.view}`,
];

/** @param who a name, or words for a look */
export function sceneInstruction(random: KeyedRandom, who: string, scene: ToyScene): string {
  const choose = (phrases: readonly string[]) => pick(random, phrases);
  const text = pick(
    random,
    LAYOUTS,
  )({
    who,
    doing: choose(POSE[scene.pose]),
    setting: settingWords(scene, choose),
    face: choose(EXPRESSION[scene.expression]),
    object: choose(OBJECT[scene.object]),
    view: choose(FRAMING[scene.framing]),
  });
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** An instruction that says who the character is, how it looks and what happens. */
export function describedInstruction(random: KeyedRandom, name: string, look: Look, scene: ToyScene): string {
  return sceneInstruction(random, `${name}, ${lookWords(look)},`, scene);
}
