/** Questions about the character that need no picture. */
import type { KeyedRandom } from '../../../random/keyed-random.js';
import type { ChoiceQuestion, KnowledgeQuestion } from '../../character.js';
import { COLOURS, LOOK_VALUES, type Look } from '../attributes.js';
import { type Persona, personaValues } from './persona.js';

/** One fact: several ways to ask for it (the last kept for evaluation), the answer, and values it could have had. */
interface Fact {
  readonly asked: readonly string[];
  readonly answer: string;
  readonly others: readonly string[];
}

const NUMBERS = Array.from({ length: 90 }, (_, i) => String(i + 3));
const NAMES = ['Oskar', 'Belinda', 'Quentin', 'Ottilie', 'Gregor', 'Hazel'] as const;

/** Everything that is known of a character, from its persona and its look. */
function facts(persona: Persona, look: Look): Fact[] {
  const n = persona.name;
  const ofPersona = (field: Parameters<typeof personaValues>[0], ...asked: string[]): Fact => ({
    asked,
    answer: persona[field],
    others: personaValues(field),
  });
  return [
    ofPersona(
      'home',
      `Where does ${n} live?`,
      `What is the home of ${n}?`,
      `In what kind of home does ${n} live?`,
      `Which home belongs to ${n}?`,
      `What does ${n} live in?`,
      `Tell me the home of ${n}.`,
    ),
    ofPersona(
      'work',
      `What is the job of ${n}?`,
      `What does ${n} work as?`,
      `Which profession does ${n} have?`,
      `How does ${n} earn a living?`,
      `What is the work of ${n}?`,
      `Name the job of ${n}.`,
    ),
    ofPersona(
      'food',
      `What does ${n} like to eat?`,
      `What is the favourite food of ${n}?`,
      `Which dish does ${n} love?`,
      `What should one cook for ${n}?`,
      `What does ${n} eat most gladly?`,
      `Name the dish that ${n} loves.`,
    ),
    ofPersona(
      'hobby',
      `What is the hobby of ${n}?`,
      `What does ${n} do for fun?`,
      `How does ${n} spend free time?`,
      `What does ${n} enjoy in the evening?`,
      `Which pastime does ${n} have?`,
      `Name the hobby of ${n}.`,
    ),
    ofPersona(
      'dislike',
      `What does ${n} dislike?`,
      `What makes ${n} grumpy?`,
      `What can ${n} not stand?`,
      `What annoys ${n}?`,
      `What spoils the day of ${n}?`,
      `Name a thing that ${n} hates.`,
    ),
    ofPersona(
      'fear',
      `What is ${n} afraid of?`,
      `What scares ${n}?`,
      `What does ${n} fear?`,
      `What makes ${n} shiver?`,
      `What frightens ${n}?`,
      `Name the fear of ${n}.`,
    ),
    ofPersona(
      'dream',
      `What is the dream of ${n}?`,
      `What does ${n} dream of?`,
      `What does ${n} hope to do one day?`,
      `Which wish does ${n} have?`,
      `What is the big wish of ${n}?`,
      `Name the dream of ${n}.`,
    ),
    ofPersona(
      'treasure',
      `What is the treasure of ${n}?`,
      `What does ${n} keep safe?`,
      `Which thing is precious to ${n}?`,
      `What would ${n} never give away?`,
      `What lies in the pocket of ${n}?`,
      `Name the treasure of ${n}.`,
    ),
    ofPersona(
      'season',
      `Which season does ${n} like?`,
      `What is the favourite season of ${n}?`,
      `When is ${n} happiest?`,
      `Which time of the year suits ${n}?`,
      `What season does ${n} love?`,
      `Name the season of ${n}.`,
    ),
    ofPersona(
      'month',
      `When is the birthday of ${n}?`,
      `In which month was ${n} born?`,
      `When does ${n} celebrate?`,
      `Which month is the birthday month of ${n}?`,
      `When does ${n} get a cake?`,
      `Name the birth month of ${n}.`,
    ),
    {
      asked: [
        `How old is ${n}?`,
        `What is the age of ${n}?`,
        `How many years old is ${n}?`,
        `Which age has ${n}?`,
        `Tell me how old ${n} is.`,
      ],
      answer: String(persona.age),
      others: NUMBERS,
    },
    {
      asked: [
        `Who is the best friend of ${n}?`,
        `Whom does ${n} trust?`,
        `Who visits ${n}?`,
        `Who is dear to ${n}?`,
        `Name the friend of ${n}.`,
      ],
      answer: persona.friend,
      others: NAMES,
    },
    {
      asked: [
        `What animal is ${n}?`,
        `What species is ${n}?`,
        `Which kind of animal is ${n}?`,
        `What sort of creature is ${n}?`,
        `Name the species of ${n}.`,
      ],
      answer: look.species,
      others: LOOK_VALUES.species,
    },
    {
      asked: [
        `What colour is ${n}?`,
        `Which colour does ${n} have?`,
        `What is the fur colour of ${n}?`,
        `How is ${n} coloured?`,
        `Name the colour of ${n}.`,
      ],
      answer: look.colour,
      others: COLOURS,
    },
    {
      asked: [
        `What colour are the eyes of ${n}?`,
        `Which eye colour has ${n}?`,
        `How are the eyes of ${n} coloured?`,
        `What eyes does ${n} have?`,
        `Name the eye colour of ${n}.`,
      ],
      answer: look.eyes,
      others: LOOK_VALUES.eyes,
    },
    {
      asked: [
        `What does ${n} wear on the body?`,
        `What is the outfit of ${n}?`,
        `Which garment does ${n} wear?`,
        `How is ${n} dressed?`,
        `Name the outfit of ${n}.`,
      ],
      answer: look.outfit,
      others: LOOK_VALUES.outfit,
    },
    {
      asked: [
        `What accessory does ${n} have?`,
        `What does ${n} wear on head or neck?`,
        `Which accessory belongs to ${n}?`,
        `What adorns ${n}?`,
        `Name the accessory of ${n}.`,
      ],
      answer: look.accessory,
      others: LOOK_VALUES.accessory,
    },
    {
      asked: [
        `What build does ${n} have?`,
        `Is ${n} slim, round or tall?`,
        `How is ${n} built?`,
        `Which shape has ${n}?`,
        `Name the build of ${n}.`,
      ],
      answer: look.build,
      others: LOOK_VALUES.build,
    },
  ];
}

/** Up to `count` questions in ways that are trained on, every fact several times. */
export function knowledgeQuestions(
  random: KeyedRandom,
  persona: Persona,
  look: Look,
  count: number,
): KnowledgeQuestion[] {
  const all = facts(persona, look).flatMap(({ asked, answer }) =>
    asked.slice(0, -1).map((question) => ({ question, answer })),
  );
  return random
    .permutation(all.length)
    .slice(0, count)
    .map((index) => all[index]!);
}

const KEYS = ['A', 'B', 'C', 'D'] as const;

/** A multiple-choice question with its options in random order. At most three wrong options. */
export function choiceQuestion(
  random: KeyedRandom,
  id: string,
  question: string,
  answer: string,
  others: readonly string[],
): ChoiceQuestion {
  const wrong = others.filter((other) => other !== answer);
  const chosen = random
    .permutation(wrong.length)
    .slice(0, KEYS.length - 1)
    .map((index) => wrong[index]!);
  const texts = [answer, ...chosen];
  const order = random.permutation(texts.length);
  const options = Object.fromEntries(order.map((from, to) => [KEYS[to]!, texts[from]!]));
  return { id, question, options, answer: KEYS[order.indexOf(0)]! };
}

/** Multiple-choice questions on different facts, asked in the way that is kept for evaluation. */
export function knowledgeChoices(
  random: KeyedRandom,
  persona: Persona,
  look: Look,
  count: number,
): ChoiceQuestion[] {
  const all = facts(persona, look);
  return random
    .permutation(all.length)
    .slice(0, count)
    .map((index, i) => {
      const { asked, answer, others } = all[index]!;
      return choiceQuestion(random, `mcq_${String(i + 1).padStart(3, '0')}`, asked.at(-1)!, answer, others);
    });
}
