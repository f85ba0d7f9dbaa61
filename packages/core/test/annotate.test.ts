import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AnnotationOptions, annotate, estimateAnnotation, readProfile } from '../src/annotate/index.js';
import { loadConfig } from '../src/config/index.js';
import {
  randomScene,
  readGrpoPrompts,
  readTestSplit,
  scenePng,
  toyscapeCharacter,
} from '../src/data/index.js';
import { ChatEndpoint, costOf, type EndpointOptions } from '../src/endpoint/index.js';
import { KeyedRandom } from '../src/random/keyed-random.js';
import { imagePrompts } from '../src/train/grpo/image-prompts.js';
import { readTrainingData } from '../src/train/training-data.js';
import { type Fault, type StandIn, says, standIn, status, wordsOf } from './chat-stand-in.js';

let root: string;
let pictures: string;
let testPictures: string;

const SIZES = {
  dialogues: 25,
  heldOutDialogues: 3,
  knowledge: 6,
  knowledgeChoices: 2,
  questionsPerPicture: 4,
  choicesPerPicture: 2,
  personality: 3,
  memorization: 2,
  prompts: 5,
};
/** Description, three scenes, one test scene, three times questions, two batches of dialogues, and one of everything else. */
const QUESTIONS = 1 + 3 + 1 + 3 + 2 + 6;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'annotate-'));
  pictures = join(root, 'pictures');
  testPictures = join(root, 'unseen');
  const { look } = toyscapeCharacter(3);
  for (const [folder, names] of [
    [pictures, ['beach', 'at home', '7']],
    [testPictures, ['new']],
  ] as const) {
    mkdirSync(folder);
    for (const [i, name] of names.entries()) {
      const scene = randomScene(new KeyedRandom(5, 1, [names.length, i]));
      writeFileSync(join(folder, `${name}.png`), await scenePng(look, scene, 64));
    }
  }
  writeFileSync(
    join(root, 'profile.md'),
    '# Pip\n\nPip is a small dragon who bakes bread and says hm a lot.\n',
  );
}, 60_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const servers: StandIn[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function options(out: string, change: Partial<AnnotationOptions> = {}): Promise<AnnotationOptions> {
  const profile = await readProfile(join(root, 'profile.md'));
  return { profile, pictures, testPictures, out: join(root, out), sizes: SIZES, ...change };
}

/** A stand-in with faults, and an endpoint that asks it. */
async function eyes(
  fault: (index: number, words: string) => Fault | undefined = () => undefined,
  change: Partial<EndpointOptions> = {},
) {
  const server = await standIn((index, request) => fault(index, wordsOf(request)));
  servers.push(server);
  const backoff = { firstMs: 1, longestMs: 1000 };
  return {
    server,
    chat: new ChatEndpoint({ url: server.url, model: 'eyes', backoff, timeoutMs: 3000, ...change }),
  };
}

const hooks = { concurrency: 2 };

/** All files below a folder with their content. */
function filesOf(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return new Map(files.sort().map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

describe('annotating pictures', () => {
  it('writes a folder that trains, whatever the endpoint does on the way, and asks nothing twice', async () => {
    const faults: Record<number, Fault> = {
      1: status(429, { 'retry-after': '0' }),
      3: status(500),
      5: says('Certainly! Here is your scene.'),
      7: says('{"user": "only half"}'),
    };
    const { server, chat } = await eyes((index) => faults[index]);
    const given = await options('whole');
    const seen: string[] = [];
    const first = await annotate(given, chat, {
      ...hooks,
      onTask: ({ task, done, total }) => seen.push(`${task.id} ${done}/${total}`),
    });
    expect(server.requests).toHaveLength(QUESTIONS + 4);
    expect(server.busiest()).toBe(2);
    expect(seen).toHaveLength(QUESTIONS);
    expect(seen.at(-1)).toMatch(new RegExp(` ${QUESTIONS}/${QUESTIONS}$`));
    // Answers that could not be used cost, too; refused requests do not.
    expect(first.usage).toEqual({ inputTokens: 100 * (QUESTIONS + 2), outputTokens: 10 * (QUESTIONS + 2) });
    expect(first.report.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(first.report.ok).toBe(true);

    const {
      character,
      samples,
      heldOut,
      pictures: decoded,
    } = await readTrainingData(loadConfig(undefined, { data: first.folder }));
    expect(character.name).toBe('Pip');
    expect(character.description).toMatch(/^Pip description/);
    const count = (task: string) => samples.filter((sample) => sample.task === task).length;
    expect(
      ['dialogue', 'thinking', 'knowledge_qa', 'vqa', 't2i', 't2i_with_thinking', 't2i_instruction'].map(
        count,
      ),
    ).toEqual([25 + 3, 3, 6, 12, 3, 3, 3]);
    expect((await decoded()).get('0')).toMatchObject({ width: 64, height: 64 });
    expect(character.heldOut.knowledgeChoices).toHaveLength(2);
    expect(character.heldOut.sceneChoices).toHaveLength(6);
    expect([character.heldOut.personality.length, character.heldOut.memorization.length]).toEqual([3, 2]);
    expect(heldOut.samples.length).toBeGreaterThan(3);
    expect((await readTestSplit(first.folder))!.scenes).toHaveLength(1);
    const right = character.heldOut.sceneChoices.map(({ answer, options: all }) => all[answer]!);
    expect(right.every((text) => text.startsWith('Pip correct'))).toBe(true);
    expect(new Set(character.heldOut.sceneChoices.map(({ answer }) => answer)).size).toBeGreaterThan(1);

    const prompts = await readGrpoPrompts(first.prompts);
    expect(prompts).toHaveLength(5);
    expect(prompts[0]).toMatchObject({ character: 'Pip', questions: [{ weight: 0.5 }, {}, {}, {}] });
    expect(await imagePrompts(character, first.prompts)).toHaveLength(5);

    const before = filesOf(given.out);
    const again = await annotate(given, chat, hooks);
    expect(server.requests).toHaveLength(QUESTIONS + 4);
    expect(again).toMatchObject({ asked: 0, written: [], kept: [], edited: [] });
    expect(filesOf(given.out)).toEqual(before);
  });

  it('keeps what people change: answers, prompts and written files', async () => {
    const { server, chat } = await eyes();
    const given = await options('edited');
    const { folder } = await annotate(given, chat, hooks);
    const asked = server.requests.length;

    const answer = join(given.out, 'annotation/answers/scene-beach.json');
    writeFileSync(answer, readFileSync(answer, 'utf8').replace(/"reply": "[^"]*"/, '"reply": "Hm. Sand."'));
    const instructions = join(folder, 'Pip_t2i_instruction.json');
    const changed = readFileSync(instructions, 'utf8').replace(
      /Pip short_instruction [0-9-]*/,
      'Pip as I see Pip',
    );
    writeFileSync(instructions, changed);
    const prompt = join(given.out, 'annotation/prompts/tests.md');
    writeFileSync(prompt, `${readFileSync(prompt, 'utf8')}\nAsk about bread.\n`);

    const again = await annotate(given, chat, hooks);
    expect(again.edited).toEqual(['scene-beach']);
    expect(again.kept).toEqual(['data/personalized_data/train/Pip/Pip_t2i_instruction.json']);
    expect(server.requests.slice(asked).map(wordsOf)).toEqual([expect.stringContaining('Ask about bread.')]);
    expect(readFileSync(instructions, 'utf8')).toBe(changed);
    expect(readFileSync(join(folder, 'Pip_with_image.json'), 'utf8')).toContain('Hm. Sand.');
    expect(readFileSync(prompt, 'utf8')).toContain('Ask about bread.');

    // A changed answer counts even when the question is another one; a useless one is named, not overwritten.
    writeFileSync(join(given.out, 'annotation/prompts/scene.md'), 'Describe {name} here.');
    const other = await annotate(given, chat, hooks);
    expect(readFileSync(join(other.folder, 'Pip_with_image.json'), 'utf8')).toContain('Hm. Sand.');
    writeFileSync(answer, '{"answer": {"reply": 3}}');
    await expect(annotate(given, chat, hooks)).rejects.toThrow(
      `${answer} at /answer: expected a stored answer`,
    );
    rmSync(answer);
    writeFileSync(join(given.out, 'annotation/prompts/scene.md'), 'Describe {nmae}.');
    await expect(annotate(given, chat, hooks)).rejects.toThrow(
      'scene.md: expected one of the gaps {name}, found {nmae}',
    );
  });

  it('goes on where it was stopped or failed', async () => {
    const given = await options('stopped');
    const stop = new AbortController();
    const { server, chat } = await eyes();
    const stopped = annotate(given, chat, {
      ...hooks,
      signal: stop.signal,
      onTask: ({ done }) => (done === 5 ? stop.abort(new Error('stopped')) : undefined),
    });
    await expect(stopped).rejects.toThrow('stopped');
    expect(existsSync(join(given.out, 'data'))).toBe(false);
    const stored = readdirSync(join(given.out, 'annotation/answers')).length;
    expect(stored).toBeGreaterThanOrEqual(5);
    expect(server.requests.length).toBeLessThan(QUESTIONS);

    const stubborn = await eyes((_, words) =>
      words.includes('going to be tested with') ? says('No.') : undefined,
    );
    await expect(annotate(given, stubborn.chat, hooks)).rejects.toThrow(
      `1 of ${QUESTIONS} questions have no usable answer:\ntests (eyes at ${stubborn.server.url}): no usable answer in 3 tries`,
    );
    const rest = await eyes();
    expect(await annotate(given, rest.chat, hooks)).toMatchObject({ asked: 1 });
    expect(rest.server.requests).toHaveLength(1);
  });

  it('stops at once when the key is refused, and never stores or shows it', async () => {
    const given = await options('refused');
    const guard: Fault = (_, response, headers) => {
      if (headers.authorization === 'Bearer right') return false;
      response.writeHead(401).end('who are you?');
      return true;
    };
    const wrong = await eyes(() => guard, { key: 'wrong-key' });
    const refused = annotate(given, wrong.chat, hooks);
    await expect(refused).rejects.toThrow('status 401: who are you?; check the key');
    await expect(refused).rejects.not.toThrow('wrong-key');
    expect(wrong.server.requests.length).toBeLessThanOrEqual(2);
    const right = await eyes(() => guard, { key: 'right' });
    await annotate(given, right.chat, hooks);
    const all = [...filesOf(given.out)].map(([name, content]) => name + content).join();
    expect(all).not.toMatch(/Bearer|wrong-key|127\.0\.0\.1/);
  });

  it('says beforehand what it will ask and cost, and writes nothing for that', async () => {
    const given = await options('estimated');
    const { chat } = await eyes();
    const estimate = await estimateAnnotation(given, chat);
    // One picture for each scene and its questions; three for the description and the one batch of prompts.
    expect(estimate).toMatchObject({ questions: QUESTIONS, stored: 0, pictures: 3 + 1 + 3 + 3 + 3 });
    expect(existsSync(given.out)).toBe(false);
    expect(costOf({ inputTokens: 2e6, outputTokens: 5e5 }, { input: 0.5, output: 2 })).toBe(2);
    await annotate(given, chat, hooks);
    const after = await estimateAnnotation(given, chat);
    expect(after).toMatchObject({ stored: QUESTIONS, inputTokens: 0, outputTokens: 0, pictures: 0 });
  });

  it('leaves out what repeats something, and forgets pictures that are gone', async () => {
    const few = join(root, 'few');
    mkdirSync(few);
    for (const name of ['a', 'b']) {
      writeFileSync(
        join(few, `${name}.png`),
        readFileSync(join(pictures, name === 'a' ? 'beach.png' : '7.png')),
      );
    }
    const same = JSON.stringify({
      dialogues: Array.from({ length: 20 }, () => ({ user: 'Hi Pip!', reply: 'Hm.' })),
    });
    const { chat } = await eyes((_, words) => (words.includes('Write 20 short') ? says(same) : undefined));
    const given = await options('repeating', { pictures: few, testPictures: undefined });
    const { dropped, folder } = await annotate(given, chat, hooks);
    expect(dropped).toEqual(['19 of 25 dialogues repeat others']);
    expect(existsSync(join(folder, '1.png'))).toBe(true);
    rmSync(join(few, 'b.png'));
    await annotate(given, chat, hooks);
    expect(existsSync(join(folder, '1.png'))).toBe(false);
    expect(readFileSync(join(folder, 'annotation.json'), 'utf8')).not.toContain('"image": "1"');
  });

  it('reads profiles and names what they lack', async () => {
    const write = (name: string, text: string) => {
      writeFileSync(join(root, name), text);
      return join(root, name);
    };
    const yaml = write(
      'p.yaml',
      'name: Pip\ndescription: A dragon.\nopening: Hm.\ndialogues:\n  - { user: Hi, reply: Hm. }\n',
    );
    const profile = await readProfile(yaml);
    expect(profile).toMatchObject({
      name: 'Pip',
      text: 'A dragon.',
      description: 'A dragon.',
      opening: 'Hm.',
    });
    const { server, chat } = await eyes();
    const given = await options('own', { profile });
    const { folder } = await annotate(given, chat, hooks);
    expect(server.requests).toHaveLength(QUESTIONS - 1);
    expect(server.requests[0]!.messages[0]!.content).toContain('- "Hi" - "Hm."');
    expect(readFileSync(join(folder, 'Pip_dialogue_text_extension_train.json'), 'utf8')).toContain(
      '"text": "Hm."',
    );
    await expect(readProfile(write('n.txt', 'A dragon.'))).rejects.toThrow(
      `the character's name, found none`,
    );
    expect((await readProfile(join(root, 'n.txt'), 'Pip')).name).toBe('Pip');
    await expect(readProfile(write('e.md', ' '), 'Pip')).rejects.toThrow('a text about the character');
    await expect(readProfile(write('s.yaml', 'name: Pip\nlooks: red\n'))).rejects.toThrow('at /looks');
    await expect(readProfile(join(root, 'n.txt'), '../Pip')).rejects.toThrow('a name that a folder can have');
    await expect(estimateAnnotation({ ...given, pictures: join(root, 'none') }, chat)).rejects.toThrow(
      'no such folder',
    );
  });
});
