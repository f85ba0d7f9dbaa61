import type { TaskMix, TaskSample } from '../data/index.js';
import { TASKS, type Task } from '../data/tasks.js';
import { drawScene } from '../data/toy-world/index.js';
import type { RgbImage } from '../image/index.js';
import { KeyedRandom, streams } from '../random/keyed-random.js';
import type { SamplerPosition, SampleSource } from '../train/pack-sampler.js';
import { encodePictures } from '../train/picture-encoder.js';
import { type EncodedTask, encodeTasks } from '../train/task-encoder.js';
import type { StreamModels } from '../train/training-data.js';
import { toyTask, worldCharacter } from './toy-task.js';

/** Samples whose pictures are rendered while the step before is computed. */
const AHEAD = 24;

/** Which world is learnt from. */
export interface ToyWorldOptions {
  readonly seed: number;
  /** Side of the pictures in pixels. */
  readonly size: number;
  /** How often each task is drawn. */
  readonly mix: TaskMix;
}

/** A sample with its picture, not yet encoded. */
export interface DrawnSample {
  readonly sample: TaskSample;
  readonly pictures: ReadonlyMap<string, RgbImage>;
}

/** Sample number `index` of a world, or undefined where its character is kept for the evaluation. */
export async function drawnSample(world: ToyWorldOptions, index: number): Promise<DrawnSample | undefined> {
  const character = worldCharacter(world.seed, index);
  if (!character) return undefined;
  const task = chosenTask(world.mix, new KeyedRandom(world.seed, streams.pretrainTask, [index]).uniform());
  const image = { id: String(index), path: '' };
  const sample = toyTask(task, `${task}/${index}`, character, image);
  const isPictured = sample.items.some((item) => item.kind !== 'text');
  const pictures = new Map<string, RgbImage>();
  if (isPictured)
    pictures.set(image.id, await drawScene(character.look, character.train[0]!.scene, world.size));
  return { sample, pictures };
}

/** The task at a place of the mix, `at` in [0, 1). */
function chosenTask(mix: TaskMix, at: number): Task {
  const offered = TASKS.filter((task) => (mix[task] ?? 0) > 0);
  let left = at * offered.reduce((sum, task) => sum + mix[task]!, 0);
  for (const task of offered) {
    left -= mix[task]!;
    if (left < 0) return task;
  }
  return offered.at(-1)!;
}

/**
 * An endless stream of ever new samples of the toy world in random-access order: its whole state is the number of the next
 * sample, so a resumed run sees what an uninterrupted one would have seen.
 */
export class ToyStream implements SampleSource<EncodedTask> {
  #next = 0;
  #ahead = new Map<number, Promise<DrawnSample | undefined>>();

  constructor(
    private readonly world: ToyWorldOptions,
    private readonly models: StreamModels,
  ) {}

  position(): SamplerPosition {
    return { drawn: this.#next };
  }

  seek(position: SamplerPosition): void {
    this.#next = position.drawn!;
    this.#ahead.clear();
  }

  /** The next samples until their `cost`s reach `budget`; the last one may exceed it. */
  async pack(budget: number, cost: (sample: EncodedTask) => number): Promise<EncodedTask[]> {
    const pack: EncodedTask[] = [];
    for (let used = 0; used < budget; ) {
      const drawn = await this.#take();
      if (!drawn) continue;
      const { tokenizer, vae, config } = this.models;
      const pictures = await encodePictures(drawn.pictures, vae, config);
      for (const sample of encodeTasks([drawn.sample], tokenizer, pictures)) {
        pack.push(sample);
        used += cost(sample);
      }
    }
    for (let index = this.#next; index < this.#next + AHEAD; index++) {
      if (!this.#ahead.has(index)) this.#ahead.set(index, drawnSample(this.world, index));
    }
    return pack;
  }

  #take(): Promise<DrawnSample | undefined> {
    const index = this.#next++;
    const ready = this.#ahead.get(index) ?? drawnSample(this.world, index);
    this.#ahead.delete(index);
    return ready;
  }
}
