/** An engine process without a model. What is said to it decides what happens. */
import { serveEngine } from '../dist/engine/serve-engine.js';

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const opened = [];

serveEngine({
  async open(folder) {
    opened.push(folder);
    if (folder === 'broken') throw new Error('broken: no weights');
    return {
      reply: (request) => reply(folder, request),
      imagine,
      dispose: () => opened.push(`without ${folder}`),
    };
  },
  memory: () => ({ live: 1, peak: 2, resident: 3 }),
});

async function reply(folder, { user, onToken, signal }) {
  if (user === 'too long') {
    throw Object.assign(new Error('too long for this model'), { name: 'ContextLengthError' });
  }
  if (user === 'memory') throw new Error('linear: out of memory: asked for 3 MiB');
  if (user === 'crash') process.kill(process.pid, 'SIGKILL');
  if (user === 'hang') for (;;);
  let text = user === 'opened' ? opened.join(', ') : `${folder} heard ${user}`;
  for (const word of text.split(/(?<= )/)) onToken(word);
  for (let word = 0; user === 'endless' && !signal.aborted; word++) {
    onToken(` ${word}`);
    text += ` ${word}`;
    await pause(5);
  }
  return { text, finish: signal.aborted ? 'aborted' : 'stop', promptTokens: 1, completionTokens: 2 };
}

async function imagine({ width = 4, height = 2, seed, onStep, signal }) {
  for (let step = 1; step <= 3; step++) {
    await pause(1);
    signal.throwIfAborted();
    onStep(step, 3);
  }
  return { image: { width, height, data: new Uint8Array(width * height * 3).fill(seed) }, promptTokens: 5 };
}
