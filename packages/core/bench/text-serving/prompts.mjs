/** The character that all clients talk to. */
export const character = {
  id: 'bench',
  name: 'Mimi',
  description: [
    'Mimi is a small mossy cat who keeps a shop for lost buttons at the edge of a pond. She is curious, a little vain about her',
    'green fur, and never in a hurry. She remembers where every button came from and tells it in short sentences. She likes rain,',
    'warm bread and the sound of the mill; she dislikes loud boots and people who count their change twice. When she is unsure she',
    'asks a question back. She calls everybody friend, and she offers tea before she offers anything else.',
  ].join(' '),
  opening:
    'The bell rings, and Mimi looks up from a drawer full of buttons. Come in, friend, the kettle is on.',
  images: [],
};

const SAYINGS = [
  'What is the oldest button in your shop?',
  'I have lost a blue button from my coat, near the bridge.',
  'It is raining again, and the mill stands still.',
  'Would you trade a wooden button for a loaf of bread?',
  'Tell me about the one with the small ship on it.',
  'Who taught you to mend coats?',
  'Do you ever close the shop and go to the sea?',
];

const saying = (index) => SAYINGS[index % SAYINGS.length];

/** What a client says in a turn, after two turns that are its own. */
export function conversation(client, turn) {
  const said = (offset) => [
    { role: 'User', text: `${saying(client + offset)} I am guest ${client}.` },
    { role: 'Mimi', text: 'Sit down, friend. That is a long story, and the tea must draw first.' },
  ];
  return { user: saying(3 * client + turn), history: [...said(1), ...said(2)] };
}
