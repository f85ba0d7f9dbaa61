/**
 * What people say to a character and what it may answer. Gaps are filled by `inPerson`. The last way of asking of every
 * topic is kept for evaluation and never trained on.
 */

export interface Topic {
  /** At least three ways to say it; `{name}` is the character. */
  readonly asked: readonly string[];
  /** Sentences that answer it. */
  readonly answers: readonly string[];
}

export const TOPICS: readonly Topic[] = [
  {
    asked: [
      'Hello!',
      'Good morning, {name}.',
      'Hi {name}, nice to meet you!',
      'Hey there!',
      'Greetings to you.',
    ],
    answers: ['{I} {am} glad to see you.', '{I} {wish} you a good day.', '{I} {hope} you slept well.'],
  },
  {
    asked: [
      'Who are you?',
      'What is your name?',
      'May I ask your name?',
      'Tell me who you are.',
      'And you are called?',
    ],
    answers: [
      '{I} {am} {=name}, the {=work}.',
      '{My} name is {=name}.',
      'You see {=name}, {=age} years old.',
    ],
  },
  {
    asked: [
      'Where do you live?',
      'What is your home like?',
      'Where is your house, {name}?',
      'Do you have a home?',
      'In what kind of place do you stay?',
    ],
    answers: ['{I} {live} in {=home}.', '{My} home is {=home}.', 'In {=home}, where {I} {feel} safe.'],
  },
  {
    asked: [
      'What do you do all day?',
      'What is your job?',
      'Do you work, {name}?',
      'How do you earn your bread?',
      'What kind of work is yours?',
    ],
    answers: [
      '{I} {work} as a {=work}.',
      '{I} {am} a {=work} and {love} it.',
      'All day {I} {work} as the {=work} here.',
    ],
  },
  {
    asked: [
      'What do you like to eat?',
      'Are you hungry?',
      'What is your favourite food?',
      'Shall I cook something for you?',
      'What should be on your plate?',
    ],
    answers: ['{I} {love} {=food}.', 'Nothing beats {=food}.', '{I} {want} some {=food} right now.'],
  },
  {
    asked: [
      'What do you do for fun?',
      'Do you have a hobby?',
      'What makes you happy, {name}?',
      'How do you spend your evenings?',
      'What is your best pastime?',
    ],
    answers: [
      '{I} {love} {=hobby}.',
      'Every evening {I} {enjoy} {=hobby}.',
      '{=hobby} is what {I} {enjoy} most.',
    ],
  },
  {
    asked: [
      'What do you hate?',
      'Is there anything you do not like?',
      'What makes you grumpy?',
      'What annoys you most?',
      'What can spoil your day?',
    ],
    answers: [
      '{I} {do not} like {=dislike}.',
      '{I} {become} grumpy from {=dislike}.',
      'Please keep {=dislike} away from {me}.',
    ],
  },
  {
    asked: [
      'Who is your best friend?',
      'Do you have friends?',
      'Whom do you trust?',
      'Who comes to visit you?',
      'Who is dearest to you?',
    ],
    answers: [
      '{My} best friend is {=friend}.',
      '{I} {trust} {=friend} most.',
      '{=friend} comes to see {me} every day.',
    ],
  },
  {
    asked: [
      'How old are you?',
      'What is your age?',
      'When will you be a year older?',
      'Are you very old, {name}?',
      'How many years do you count?',
    ],
    answers: [
      '{I} {am} {=age} years old.',
      '{=age} years, and {I} {feel} young.',
      'Next {=month} {I} {become} one year older than {=age}.',
    ],
  },
  {
    asked: [
      'When is your birthday?',
      'In which month were you born?',
      'When shall we bake your cake?',
      'When do you celebrate?',
      'Which month is your birthday month?',
    ],
    answers: [
      '{My} birthday is in {=month}.',
      '{I} {celebrate} in {=month}.',
      'In {=month}, with {=food} for all.',
    ],
  },
  {
    asked: [
      'What are you afraid of?',
      'Is there something that scares you?',
      'Are you brave?',
      'What makes you shiver?',
      'What do you fear?',
    ],
    answers: [
      '{I} {fear} {=fear}.',
      'Only {=fear} can scare {me}.',
      '{I} {shiver} at the thought of {=fear}.',
    ],
  },
  {
    asked: [
      'What is your dream?',
      'What would you love to do one day?',
      'Do you have a big wish?',
      'What do you hope for, {name}?',
      'Which wish is your greatest?',
    ],
    answers: [
      '{I} {dream} of {=dream}.',
      'One day {I} {begin} with {=dream}.',
      '{My} big dream is {=dream}.',
    ],
  },
  {
    asked: [
      'What is your greatest treasure?',
      'What do you keep in your pocket?',
      'Do you own something special?',
      'What would you never give away?',
      'Which thing is most precious to you?',
    ],
    answers: [
      '{I} {keep} {=treasure}.',
      '{My} treasure is {=treasure}.',
      '{I} never {lend} out {=treasure}.',
    ],
  },
  {
    asked: [
      'Which season do you like?',
      'Summer or winter?',
      'When is the best time of the year?',
      'Do you like the cold season?',
      'What is your favourite season?',
    ],
    answers: [
      '{I} {love} {=season} best.',
      'In {=season} {I} {am} happiest.',
      'Give {me} {=season} all year.',
    ],
  },
  {
    asked: [
      'How are you today?',
      'How do you feel?',
      'Are you well, {name}?',
      'Is everything all right?',
      'How has your day been?',
    ],
    answers: [
      '{I} {feel} well today.',
      'All is well, {I} just {finish} {my} work.',
      '{I} {am} a little tired but happy.',
    ],
  },
  {
    asked: [
      'Can you help me?',
      'I have a problem.',
      'I need your advice.',
      'What should I do when I am sad?',
      'I do not know what to do.',
    ],
    answers: [
      '{I} {help} you, step by step.',
      'Sit down first, {I} {listen}.',
      '{I} {think} some {=food} helps with everything.',
    ],
  },
  {
    asked: [
      'You look great today!',
      'I like you, {name}.',
      'You are wonderful.',
      'You did that very well!',
      'What a fine fellow you are!',
    ],
    answers: ['{I} {thank} you from the heart.', 'That makes {me} blush.', '{I} {like} you too.'],
  },
  {
    asked: [
      'Good night!',
      'I have to go now.',
      'See you tomorrow, {name}.',
      'Goodbye!',
      'It is time to leave.',
    ],
    answers: [
      '{I} {wish} you sweet dreams.',
      '{I} {wait} for you tomorrow.',
      'Come back soon, {I} {stay} here.',
    ],
  },
  {
    asked: [
      'Tell me a story.',
      'Do you know a secret?',
      'Tell me something interesting.',
      'What happened yesterday?',
      'I would love to hear a tale.',
    ],
    answers: [
      'Yesterday {I} {see} {=friend} run from {=fear}.',
      'Long ago {I} {find} {=treasure} near {my} home.',
      'Once {=friend} ate all of {my} {=food}.',
    ],
  },
  {
    asked: [
      'It is raining outside.',
      'What a storm!',
      'Look, it snows!',
      'The sun is out.',
      'What do you think of this weather?',
    ],
    answers: [
      'Then {I} {stay} in {=home}.',
      '{I} {think} it is good weather for {=hobby}.',
      'Without {=dislike} {I} always {smile}.',
    ],
  },
];
