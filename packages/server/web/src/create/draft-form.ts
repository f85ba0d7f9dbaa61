import { type Draft, type DraftDialogue, filledDialogues, filledFacts } from './draft.js';

const ENDINGS: Readonly<Record<string, string>> = { 'image/jpeg': 'jpg', 'image/webp': 'webp' };

/** Dialogues without a picture, and those whose reply goes with one. */
export function dialoguesAndScenes(draft: Draft): { dialogues: DraftDialogue[]; scenes: DraftDialogue[] } {
  const filled = filledDialogues(draft);
  const shown = new Set(draft.pictures.map(({ key }) => key));
  return {
    dialogues: filled.filter(({ picture }) => !shown.has(picture)),
    scenes: filled.filter(({ picture }) => shown.has(picture)),
  };
}

/** The draft as the server takes it: pictures are called by their number in order, from 0. */
export function formOf(draft: Draft): FormData {
  const form = new FormData();
  form.set('consent', String(draft.consent));
  form.set('provenance', draft.provenance.trim());
  if (draft.card) {
    form.set('file', draft.card);
    return form;
  }
  form.set('profile', JSON.stringify(profileOf(draft)));
  for (const [index, { blob }] of draft.pictures.entries()) {
    form.append('images[]', blob, `${index}.${ENDINGS[blob.type] ?? 'png'}`);
  }
  return form;
}

function profileOf(draft: Draft): object {
  const { dialogues, scenes } = dialoguesAndScenes(draft);
  const numberOf = (key: string): string =>
    String(draft.pictures.findIndex((picture) => picture.key === key));
  const opening = draft.opening.trim();
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    ...(opening === '' ? {} : { opening }),
    captions: draft.pictures.map(({ caption }) => caption.trim()),
    dialogues: dialogues.map(({ user, reply }) => ({ user: user.trim(), reply: reply.trim() })),
    scenes: scenes.map(({ user, reply, picture }) => ({
      image: numberOf(picture),
      user: user.trim(),
      reply: reply.trim(),
    })),
    knowledge: filledFacts(draft).map(({ question, answer }) => ({
      question: question.trim(),
      answer: answer.trim(),
    })),
  };
}
