/**
 * What the model is asked, in the project's own words. `{name}`, `{profile}` … are filled in; every text is written as a file
 * beside the answers, and that file is what counts once it is there.
 */
export const DEFAULT_PROMPTS = {
  system: `You write training data for one character, {name}: how {name} looks, what {name} knows, and how {name} talks.
The profile below is the truth. What it leaves open you may invent, but nothing may contradict it, or what the pictures show.
Write in the language of the profile. Plain text inside the JSON, no Markdown. Never speak of data, training, a model or a profile.

Profile of {name}:
{profile}

How {name} talks:
{examples}`,

  description: `The pictures show {name}. Write two texts.

description: what a reader must know to talk and to draw as {name}. Two or three sentences in the third person, at most 70 words:
first the looks (kind of being, colours, clothes, marks that are the same in all pictures), then who {name} is, then how {name} talks.
opening: how {name} begins a conversation, one sentence in {name}'s own voice.`,

  scene: `The picture shows {name}. Write the moment of a conversation that this picture goes with.

user: what somebody says to {name}, one sentence, without describing the picture.
reply: what {name} answers, one to three sentences in {name}'s own voice. It fits the picture: place, what {name} does, mood.
thinking: how one gets from these words to the picture, in the third person, two to four sentences: why this place, pose, expression,
light and view.
instruction: what to draw, for somebody who has never seen {name}: begin with the name, then looks, pose, expression, things, place,
light, view. One or two sentences; only what the picture really shows.
short_instruction: the same moment in one sentence for somebody who knows {name}: use the name and leave out the looks.`,

  picture_questions: `The picture shows {name}. Ask about it.

questions: {questions} questions with answers of a few words. About three quarters are objective: one can see the answer (looks, clothes,
pose, expression, things, place, light, numbers, colours). The others are subjective: mood, impression. No two ask the same.
choices: {choices} questions with one correct answer and three wrong ones that somebody might believe who has not looked.
Answers that cannot be told from the picture are not allowed.`,

  dialogues: `Write {count} short exchanges between somebody and {name}, all about: {theme}.

Each exchange stands alone. user: one sentence as people really talk. reply: one to three sentences in {name}'s own voice, true to the
profile. Vary how people begin, and how {name} answers; no two users say the same.`,

  knowledge: `Write {count} questions about {name} whose answers the profile gives, all about: {theme}.

question: one sentence that names {name}. answer: right, short, a few words to one sentence, in the third person. No two ask the same
in the same words. Where the profile gives few facts, ask for the same fact in other words.`,

  choices: `Write {count} multiple-choice questions about {name}, each about another fact of the profile.

correct: the right answer, a few words. wrong: three answers that are wrong by the profile, as long and as plausible as the right one.
Ask in other words than a plain question would use.`,

  tests: `Write what {name} is going to be tested with.

personality: {personality} things that somebody says or that happen, one sentence each, to which {name}'s character shows in the reply.
memorization: {memorization} things that somebody says, one sentence each, to which a right reply needs a fact of the profile.
No two are alike. Only what is said to {name}, no replies.`,

  personality: `Sum up how {name} is and talks, for somebody who will judge replies: five to eight short lines on temper, values, tone,
favourite words, habits of speech and what {name} would never say. Nothing about looks.`,

  prompts: `The pictures show {name}. Write {count} descriptions of new pictures of {name}, all of this kind: {theme}.

prompt: one sentence for somebody who knows {name}: begin with the name, say what {name} does, expression, things, place, light and view,
and leave out the looks. Nothing that stands in the pictures above; no two alike; everything can be drawn.
questions: four to eight questions about such a picture, answered by "yes", "no" or one or two words that can be seen. At least one is
answered by "no". Most are about what the prompt says, with weight 1; two or three are about {name}'s unchanging looks, with weight
0.5 to 0.8. category: identity for looks, else pose, expression, object, place, light or view.`,
} as const;

export type PromptName = keyof typeof DEFAULT_PROMPTS;
export const PROMPT_NAMES = Object.keys(DEFAULT_PROMPTS) as PromptName[];

/** What dialogues are about, in turn. */
export const DIALOGUE_THEMES = [
  'everyday life: meals, sleep, weather, chores, small plans',
  'what {name} likes and dislikes, and why',
  'where {name} comes from, memories, family and friends',
  'work, skills, plans and dreams',
  'feelings: joy, worry, anger, being proud, being lonely',
  'questions about how {name} looks, moves and dresses',
  'small talk with a stranger who knows nothing about {name}',
  'somebody asks {name} for advice or help',
  'jokes, teasing, compliments and disagreement',
  'places, journeys and things that {name} sees there',
] as const;

/** What the exchanges are about that are never trained on. */
export const HELD_OUT_THEME =
  'situations in which people have not yet seen {name}: surprises, strange requests, celebrations, accidents, goodbyes';

export const KNOWLEDGE_THEMES = [
  'looks: body, colours, clothes, things that {name} carries',
  'name, age, home, work and people around {name}',
  'likes, dislikes, habits, fears and dreams',
  'character, values and way of speaking',
] as const;

export const PROMPT_THEMES = [
  'everyday moments at home and nearby',
  'outdoors, in other weather and at other times of day',
  'strong feelings and unusual poses, seen close',
  'with things, at work or at play, seen from far or in full',
] as const;
