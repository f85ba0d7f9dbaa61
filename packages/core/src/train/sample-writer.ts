import { join, relative } from 'node:path';
import type { TrainConfig } from '../config/index.js';
import { allDialogues, type Character } from '../data/index.js';
import { contactSheet, encodePng, type RgbImage } from '../image/index.js';
import { writeFileAtomic } from '../run/atomic-write.js';
import type { CharacterEngine } from '../run/character-engine.js';
import { checkpointName, type RunFolder } from '../run/run-folder.js';
import type { Sample, Stage, TrainEvent } from '../run/train-event.js';

/** Pictures side by side in the contact sheet. */
const COLUMNS = 4;

/** How many prompts of each kind are taken from the data when the configuration names none. */
const DEFAULT_PROMPTS = { talk: 3, draw: 4 };

/**
 * Lets the character answer and draw the same prompts with the same seeds again and again, so that its progress shows.
 * Writes each picture, a contact sheet and a `sample` event.
 */
export class SampleWriter {
  private readonly talk: readonly string[];
  private readonly draw: readonly string[];

  constructor(
    private readonly run: RunFolder,
    private readonly engine: CharacterEngine,
    private readonly config: TrainConfig['samples'],
    private readonly emit: (event: TrainEvent) => void,
    private readonly stage: Stage,
  ) {
    const prompts = promptsFrom(engine.character);
    this.talk = config.talk ?? prompts.talk;
    this.draw = config.draw ?? prompts.draw;
  }

  async write(step: number): Promise<void> {
    const name = this.stage === 'sft' ? checkpointName(step) : `${this.stage}-${checkpointName(step)}`;
    const samples: Sample[] = [];
    for (const [index, prompt] of this.talk.entries()) {
      const { text } = await this.engine.reply({ user: prompt, seed: this.config.seed + index });
      samples.push({ prompt, reply: text });
    }
    const images: RgbImage[] = [];
    for (const [index, prompt] of this.draw.entries()) {
      const { image } = await this.engine.imagine({ prompt, seed: this.config.seed + index });
      const path = join(this.run.samples, `${name}-${index}.png`);
      writeFileAtomic(path, await encodePng(image, { prompt }));
      images.push(image);
      samples.push({ prompt, image: relative(this.run.root, path) });
    }
    const sheet = images.length > 0 ? join(this.run.samples, `${name}.png`) : undefined;
    if (sheet) writeFileAtomic(sheet, await encodePng(contactSheet(images, COLUMNS)));
    this.emit({
      type: 'sample',
      stage: this.stage,
      step,
      samples,
      ...(sheet ? { sheet: relative(this.run.root, sheet) } : {}),
    });
  }
}

/** Words and instructions of the data itself, evenly spread: what the character should be able to do at the end. */
function promptsFrom(character: Character): { talk: string[]; draw: string[] } {
  const instructions = character.t2i.map(({ instruction }) => instruction);
  const scenes = character.scenes.flatMap(({ instruction }) => instruction ?? []);
  return {
    talk: spread(
      allDialogues(character).map(({ user }) => user),
      DEFAULT_PROMPTS.talk,
    ),
    draw: spread(instructions.length > 0 ? instructions : scenes, DEFAULT_PROMPTS.draw),
  };
}

function spread<T>(values: readonly T[], count: number): T[] {
  const taken = Math.min(count, values.length);
  return Array.from({ length: taken }, (_, index) => values[Math.floor((index * values.length) / taken)]!);
}
