/** Everyday words by kind, for the sentences of `write-corpus.mjs`. Verbs: base, third person, past, -ing, participle. */

const list = (text) => text.trim().split(/\s+/);

export const people = list(`
  friend mother father sister brother teacher neighbour child children baby grandmother grandfather uncle aunt captain
  sailor farmer baker doctor nurse driver painter singer dancer writer cook gardener keeper student pilot guard king queen
  prince princess knight wizard witch pirate hunter shepherd stranger visitor traveller guest boy girl man woman family
  team crowd hero robot ghost giant`);

export const animals = list(`
  cat dog fox rabbit bear mouse owl bird horse cow pig sheep goat duck goose chicken frog turtle fish whale dolphin shark
  octopus crab snail bee butterfly spider ant lion tiger wolf deer squirrel hedgehog monkey elephant giraffe panda penguin
  seal otter axolotl dragon unicorn dinosaur lizard snake parrot kitten puppy pony`);

export const things = list(`
  book letter map lamp candle window door table chair bed blanket pillow clock bell key box bag basket bottle cup plate
  bowl spoon knife pan pot coat hat scarf glove boot shoe sock shirt dress jacket sweater raincoat umbrella ribbon crown
  ring necklace glasses camera phone radio guitar piano drum violin flute song ball kite balloon toy doll puzzle boat ship
  train car bus bicycle wagon rocket plane ladder rope hammer shovel broom bucket brush pencil paper paint picture story
  poem note stamp coin treasure sword shield flag lantern mirror stone shell feather leaf flower rose tree branch root seed
  mushroom apple pear cherry orange lemon banana berry strawberry carrot potato tomato pumpkin bread cake cookie pie soup
  tea coffee milk honey cheese egg rice chocolate sandwich breakfast lunch dinner present telescope compass computer
  machine engine wheel wing tail ear nose eye hand arm leg foot head hair face mouth heart pocket button`);

export const places = list(`
  house home kitchen garden room tower castle bridge street road path market shop school library museum theatre station
  harbour beach island lighthouse sea ocean river lake pond forest wood field meadow hill mountain valley cave desert
  village town city park playground farm barn stable mill bakery café hospital church square roof attic cellar balcony
  bedroom bathroom workshop office camp tent moon planet sky space north south east west world`);

export const colours = list(`
  red blue green yellow orange purple pink brown black white grey golden silver turquoise violet cream dark light pale
  bright`);

export const qualities = list(`
  good bad big small little large tiny huge tall short long old young new warm cold hot cool wet dry soft hard heavy quiet
  loud happy sad angry brave shy kind gentle clever silly funny strange lonely tired sleepy hungry curious careful busy
  lazy proud calm nervous excited afraid strong weak quick slow early late easy difficult important beautiful pretty lovely
  wonderful terrible perfect simple special secret empty full open closed broken clean dirty sweet sour fresh rich poor
  round flat deep high low thick thin smooth rough sharp shiny striped spotted fluffy wooden friendly polite honest
  cheerful serious favourite different same next last first second third best better worst whole real true wrong right
  ready free safe lost alone together`);

export const adverbs = list(`
  always never often sometimes usually already still again soon later now then today tomorrow yesterday tonight here there
  everywhere somewhere outside inside upstairs slowly quickly quietly carefully gently suddenly finally really very quite
  almost only just maybe perhaps certainly probably exactly together alone away back down up around forward once twice
  especially actually simply nearly`);

export const times = [
  'in the morning',
  'in the afternoon',
  'in the evening',
  'at night',
  'at noon',
  'at sunrise',
  'at sunset',
  'on Monday',
  'on Friday',
  'on Sunday',
  'last week',
  'next year',
  'every day',
  'last summer',
  'this winter',
  'in spring',
  'in autumn',
  'a long time ago',
  'after breakfast',
  'before dinner',
  'for an hour',
  'for two minutes',
  'since yesterday',
  'at once',
  'one day',
  'all night',
  'this month',
  'in a moment',
  'before the storm',
  'after the rain',
  'at midnight',
  'on my birthday',
];

export const weathers = [
  'it is raining',
  'the sun is shining',
  'snow is falling',
  'the wind is strong',
  'there is fog over the water',
  'the stars are out',
  'a storm is coming',
  'clouds are drifting by',
  'it is cold and clear',
  'the moon is bright',
  'there is thunder far away',
  'a rainbow stands over the field',
];

export const feelings = list(`
  joy hope fear love anger pride courage patience trust wonder surprise trouble danger luck peace silence noise music
  light shadow darkness colour sound smell taste dream idea plan question answer problem reason secret memory promise
  mistake adventure journey game joke lesson party holiday weather rain snow wind sunshine time money work help nature
  science history magic power life nothing something everything anything`);

const irregular = `
  go goes went going gone | come comes came coming come | see sees saw seeing seen | say says said saying said
  know knows knew knowing known | think thinks thought thinking thought | take takes took taking taken
  give gives gave giving given | find finds found finding found | tell tells told telling told
  make makes made making made | get gets got getting got | keep keeps kept keeping kept | hold holds held holding held
  bring brings brought bringing brought | write writes wrote writing written | read reads read reading read
  eat eats ate eating eaten | drink drinks drank drinking drunk | sleep sleeps slept sleeping slept
  run runs ran running run | sit sits sat sitting sat | stand stands stood standing stood | fly flies flew flying flown
  swim swims swam swimming swum | sing sings sang singing sung | draw draws drew drawing drawn
  build builds built building built | break breaks broke breaking broken | buy buys bought buying bought
  catch catches caught catching caught | choose chooses chose choosing chosen | feel feels felt feeling felt
  forget forgets forgot forgetting forgotten | grow grows grew growing grown | hear hears heard hearing heard
  hide hides hid hiding hidden | leave leaves left leaving left | lose loses lost losing lost
  meet meets met meeting met | put puts put putting put | ride rides rode riding ridden | send sends sent sending sent
  show shows showed showing shown | speak speaks spoke speaking spoken | teach teaches taught teaching taught
  throw throws threw throwing thrown | understand understands understood understanding understood
  wake wakes woke waking woken | wear wears wore wearing worn | win wins won winning won`;

const regular = list(`
  want need like love look ask answer help play work walk talk wait watch listen learn laugh smile cry call carry clean
  climb close collect cook count dance dream explore fix follow guess happen hope hurry imagine invite jump kick knock
  land live miss move notice open paint pass pick plan plant point pour prefer pull push rain remember repair rest return
  save search share shine shout start stay stop study taste thank touch travel try turn use visit wash whisper wish wonder
  worry enjoy explain finish promise believe borrow change decide describe discover enter float gather glow hang hum join
  lean lift mix offer pack practise prepare protect reach reply sail scare seem shake sneeze sort splash squeeze stare
  surprise trust wave wrap`);

function inflect(verb) {
  const consonantY = /[^aeiou]y$/.test(verb);
  const doubled =
    /^(plan|stop|hum|jog|hug|wrap|mix)$/.test(verb) && verb !== 'mix' ? verb + verb.at(-1) : verb;
  const third = consonantY
    ? `${verb.slice(0, -1)}ies`
    : /(s|sh|ch|x|z)$/.test(verb)
      ? `${verb}es`
      : `${verb}s`;
  const past = verb.endsWith('e') ? `${verb}d` : consonantY ? `${verb.slice(0, -1)}ied` : `${doubled}ed`;
  const ing = verb.endsWith('e') ? `${verb.slice(0, -1)}ing` : `${doubled}ing`;
  return [verb, third, past, ing, past];
}

export const verbs = [
  ...irregular
    .split(/[|\n]/)
    .filter((line) => line.trim() !== '')
    .flatMap((line) => {
      const forms = list(line);
      return Array.from({ length: forms.length / 5 }, (_, i) => forms.slice(i * 5, i * 5 + 5));
    }),
  ...regular.map(inflect),
];

export const names = list(`
  Anna Ben Clara David Ella Finn Grace Hugo Iris Jack Kate Leo Maria Nora Oscar Paul Rosa Sam Tom Vera Will Lucy Max Mia
  Otto Pip Ruby Theo Mr Mrs Miss Captain Doctor Professor`);

export const numbers = list(`
  one two three four five six seven eight nine ten eleven twelve twenty thirty fifty hundred thousand 1 2 3 4 5 7 10 12 15
  20 24 30 50 100 365 2000`);
