/** Prefix that PEFT puts before the names of the base model. */
const PREFIX = 'base_model.model.';

const SUFFIXES = {
  A: '.lora_A.weight',
  B: '.lora_B.weight',
  magnitude: '.lora_magnitude_vector',
} as const;

/** What an adapter holds for a module: the down projection, the up projection, and with DoRA the lengths of the rows. */
export type AdapterPart = keyof typeof SUFFIXES;

/** PEFT's name of a part of an adapter, such as `base_model.model.<module>.lora_A.weight`. */
export const peftName = (module: string, part: AdapterPart) => `${PREFIX}${module}${SUFFIXES[part]}`;

/** The module and part that a PEFT name means, or undefined for another name. */
export function parsePeftName(name: string): { module: string; part: AdapterPart } | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const parts = Object.keys(SUFFIXES) as AdapterPart[];
  const part = parts.find((each) => name.endsWith(SUFFIXES[each]));
  return part && { module: name.slice(PREFIX.length, -SUFFIXES[part].length), part };
}
