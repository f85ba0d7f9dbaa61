/**
 * Writes `generated.txt`: sentences of everyday English from a small grammar over `words.mjs`. Together with the prose in
 * `prose.txt` it is what the nano tokenizer is trained on. The same words give the same file.
 *
 *   node models/nano/corpus/write-corpus.mjs
 */
import { writeFileSync } from 'node:fs';
import * as words from './words.mjs';

let state = 20260508;
/** A whole number below `n` (mulberry32). */
function below(n) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % n;
}

/** Deals a list like a pack of cards: every entry comes once before any comes twice. */
function deck(entries) {
  let left = [];
  return () => {
    if (left.length === 0) left = [...entries];
    return left.splice(below(left.length), 1)[0];
  };
}

const draw = Object.fromEntries(Object.entries(words).map(([kind, entries]) => [kind, deck(entries)]));

const plural = (noun) =>
  /(children|fish|sheep|glasses|bread|tea|rice|honey)$/.test(noun)
    ? noun
    : /(s|sh|ch|x)$/.test(noun)
      ? `${noun}es`
      : /[^aeiou]y$/.test(noun)
        ? `${noun.slice(0, -1)}ies`
        : /(leaf|wolf)$/.test(noun)
          ? `${noun.slice(0, -1)}ves`
          : noun === 'knife'
            ? 'knives'
            : noun === 'foot'
              ? 'feet'
              : noun === 'mouse'
                ? 'mice'
                : noun === 'man'
                  ? 'men'
                  : noun === 'woman'
                    ? 'women'
                    : noun === 'goose'
                      ? 'geese'
                      : `${noun}s`;

const a = (phrase) => `${/^[aeiou]/.test(phrase) ? 'an' : 'a'} ${phrase}`;

/** What may stand between braces in a pattern. */
const slots = {
  P: () => draw.people(),
  A: () => draw.animals(),
  T: () => draw.things(),
  L: () => draw.places(),
  C: () => draw.colours(),
  Q: () => draw.qualities(),
  D: () => draw.adverbs(),
  W: () => draw.times(),
  S: () => draw.weathers(),
  F: () => draw.feelings(),
  N: () => draw.names(),
  '#': () => draw.numbers(),
  v: () => draw.verbs()[0],
  vs: () => draw.verbs()[1],
  ved: () => draw.verbs()[2],
  ving: () => draw.verbs()[3],
  ven: () => draw.verbs()[4],
  Ts: () => plural(draw.things()),
  As: () => plural(draw.animals()),
  Ps: () => plural(draw.people()),
  Ls: () => plural(draw.places()),
  aT: () => a(draw.things()),
  aA: () => a(draw.animals()),
  aP: () => a(draw.people()),
  aQT: () => a(`${draw.qualities()} ${draw.things()}`),
  aCT: () => a(`${draw.colours()} ${draw.things()}`),
  aQA: () => a(`${draw.qualities()} ${draw.animals()}`),
  aQP: () => a(`${draw.qualities()} ${draw.people()}`),
  aQL: () => a(`${draw.qualities()} ${draw.places()}`),
};

/** Patterns by kind of text; each paragraph of the corpus joins a few of one kind. */
const patterns = {
  talk: [
    'Hello, {N}! How are you {D}? I am {Q}, thank you.',
    'Good morning! Did you sleep well? I {ved} until the {P} {ved}.',
    'I would like to {v} with you, but I have to {v} {W}.',
    "Don't worry, I'll {v} your {T} and you can {v} mine.",
    "That's {aQT}! Where did you {v} it? In the {L}, I think.",
    "I'm so {Q} that you're here. Let's {v} the {L} {D}.",
    'What is your favourite {T}? Mine is the {C} one from the {L}.',
    "I can't {v} today because {S}. Can we {v} {W}?",
    'Please tell me about your {F}. Who {ved} it first?',
    '"Are you {Q}?" asked the {P}. "No," said {N}, "I am only {ving}."',
    "We've never {ven} such {aQA}. Have you? It {vs} like {aP}.",
    'If I were {aA}, I would {v} all day and {v} at night.',
    "You're right, I should {v} more {D}. Thank you for your {F}!",
    'Come and {v} with me! There is room for {#} {Ps} and {aT}.',
    'Oh no, my {T} is {Q}! Could you help me to {v} it?',
    "It's {Q} to see you. What have you been {ving} since {W}?",
    "Goodbye, my {Q} {P}. See you {W}, and don't forget the {T}!",
    "Of course I {v}. I've {ven} {#} {Ts} and I'm not {Q} yet.",
  ],
  questions: [
    'Question: Where does the {P} keep the {T}? Answer: In the {L}, beside the {T}.',
    'What colour is the {T}? It is {C}. How many {As} are there? There are {#}.',
    'Who lives in the {L}? {aQP} and {#} {Q} {As}.',
    'Why did the {A} {v}? Because it was {Q} and wanted to {v}.',
    'When do you {v}? I usually {v} {W}.',
    'Which is {Q}, the {T} or the {T}? The {T} is, because it is {C}.',
    'Is there {aT} on the {T}? Yes, and {aCT} under it.',
    'What does {N} like to {v}? {Ts} and {Ts}, but never {Ts}.',
    'Does the {P} {v} {D}? No, the {P} only {vs} {W}.',
    'How old is the {L}? It was built {#} years ago by {aP}.',
    'What is the name of your {A}? Her name is {N}, and she is very {Q}.',
  ],
  pictures: [
    'The picture shows {aQA} with {aCT}, standing in front of the {L}.',
    'In the background there is {aQL}; in the foreground you can see {#} {C} {Ts}.',
    'A {C} {A} is {ving} beside {aP} who wears {aCT} and {aQT}.',
    'On the left there is {aT}, on the right {aQA}, and above them {S}.',
    'The {A} looks {Q}. Its eyes are {C}, its {T} is {C} and {Q}.',
    'A close view of {aQP} holding {aT} with both hands, {ving} {D}.',
    'The scene is set {W} in {aQL}: {S}, and everything seems {Q}.',
  ],
  drawing: [
    'Draw {aQA} in {aCT}, {ving} near the {L} {W}.',
    'Show the same {P} with {aQT} in the {L}; {S}. Warm light, soft colours, simple shapes.',
    'Paint {aQL} where {aA} and {aP} are {ving} together, seen from above.',
    'Please make a picture of {aP} who {vs} {aCT}. Full body, {C} background, clean lines.',
    'Close-up portrait, {Q} expression, {C} {T}, standing in the {L}, {S}.',
    'Plan: the {A} should sit in the middle, hold {aT} and look {Q}. Behind it {aQL}, and {C} light from the side.',
  ],
  stories: [
    'Once upon a time there was {aQP} who {ved} in {aQL}.',
    '{W} the {P} {ved} {aQT} and {ved} it to the {L}.',
    'Then {aQA} came and {ved}: "Give me your {T}, or I will {v} your {T}!"',
    'The {Ps} had {ven} everything, but the {A} was still {ving} {D}.',
    'So they {ved} together, {ved} the {T} and {ved} through the {L}.',
    'There was {F} in the {L}, and nobody {ved} about the {F} again.',
    'She {ved} up, {ved} around and found {aCT} under the {T}.',
    'He had never {ven} {D} before, and he was {Q} of the {F}.',
    'From that day on the {P} {ved} the {As} whenever they {ved}.',
  ],
  facts: [
    'I was born in {aQL}. My {P} is {aP}, and we {v} with {#} {As}.',
    '{As} like {Ts}, and {As} {v} {W}. {Ps} {v} {D}.',
    'To {v} {aT}, you need {Ts}, {Ts} and a little {F}.',
    'My name is {N}. I {v} {Ts}, I am {Q} of {Ls}, and I never {v} without my {C} {T}.',
    'There is more {F} in {aT} than in {#} {Ls}, my {P} always {vs}.',
    'It is {Q} to {v}, but it is better to {v} {D}.',
    'A {Q} {P} {vs} {D}, {vs} the {T} and {vs} into the {L}.',
  ],
};

const capital = (sentence) =>
  sentence.replace(/(^|[.!?:] "?|^")([a-z])/g, (_, before, letter) => before + letter.toUpperCase());

function sentence(kind) {
  const pattern = patternDecks[kind]();
  return capital(pattern.replace(/\{([^}]+)\}/g, (_, slot) => slots[slot]()));
}

const patternDecks = Object.fromEntries(
  Object.entries(patterns).map(([kind, entries]) => [kind, deck(entries)]),
);
const kinds = deck(Object.keys(patterns));

const paragraphs = [];
for (let length = 0; length < 56_000; ) {
  const kind = kinds();
  const paragraph = Array.from({ length: 2 + below(3) }, () => sentence(kind)).join(' ');
  paragraphs.push(paragraph);
  length += paragraph.length + 1;
}
writeFileSync(new URL('generated.txt', import.meta.url), `${paragraphs.join('\n')}\n`);
