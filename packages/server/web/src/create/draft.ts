/** What somebody fills in to make a character. `key` keeps rows apart while they are added and removed. */

export interface DraftPicture {
  readonly key: string;
  readonly blob: Blob;
  /** Address of the preview; revoked when the picture is removed. */
  readonly address: string;
  /** What it shows, in words. */
  readonly caption: string;
}

export interface DraftDialogue {
  readonly key: string;
  readonly user: string;
  readonly reply: string;
  /** Key of the picture that goes with the reply, or ''. */
  readonly picture: string;
}

export interface DraftFact {
  readonly key: string;
  readonly question: string;
  readonly answer: string;
}

export interface Draft {
  readonly name: string;
  readonly description: string;
  readonly opening: string;
  readonly pictures: readonly DraftPicture[];
  readonly dialogues: readonly DraftDialogue[];
  readonly facts: readonly DraftFact[];
  /** A card or an archive, uploaded as it is instead of the fields above. */
  readonly card: File | undefined;
  readonly consent: boolean;
  readonly provenance: string;
}

const newKey = (): string => crypto.randomUUID();

export const emptyDialogue = (user = '', reply = ''): DraftDialogue => ({
  key: newKey(),
  user,
  reply,
  picture: '',
});

export const emptyFact = (): DraftFact => ({ key: newKey(), question: '', answer: '' });

export const newPicture = (blob: Blob): DraftPicture => ({
  key: newKey(),
  blob,
  address: URL.createObjectURL(blob),
  caption: '',
});

export const emptyDraft = (): Draft => ({
  name: '',
  description: '',
  opening: '',
  pictures: [],
  dialogues: [emptyDialogue(), emptyDialogue(), emptyDialogue()],
  facts: [],
  card: undefined,
  consent: false,
  provenance: '',
});

/** Dialogues with both sides; the rows left empty do not count. */
export const filledDialogues = ({ dialogues }: Draft): DraftDialogue[] =>
  dialogues.filter(({ user, reply }) => user.trim() !== '' || reply.trim() !== '');

export const filledFacts = ({ facts }: Draft): DraftFact[] =>
  facts.filter(({ question, answer }) => question.trim() !== '' || answer.trim() !== '');
