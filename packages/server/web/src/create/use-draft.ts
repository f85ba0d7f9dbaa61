import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { wordsOf } from '../api/request.js';
import { removeUpload, type Upload, upload } from '../api/uploads.js';
import { usableAsPicture } from '../shared/usable-picture.js';
import { type Draft, type DraftPicture, emptyDialogue, emptyDraft, newPicture } from './draft.js';
import { formOf } from './draft-form.js';
import { kindOf } from './dropped-file.js';
import { readDialogues } from './read-dialogues.js';

/** The character that is being made: what is filled in, and what the server said about it when it was saved. */
export function useDraft() {
  const [draft, setDraft] = useState(emptyDraft);
  const [saved, setSaved] = useState<Upload>();
  const [busy, setBusy] = useState<'' | 'reading' | 'saving'>('');
  const [problems, setProblems] = useState<readonly string[]>([]);
  const pictures = useRef(draft.pictures);
  pictures.current = draft.pictures;
  useEffect(
    () => () => {
      for (const { address } of pictures.current) URL.revokeObjectURL(address);
    },
    [],
  );

  const change = useCallback((part: Partial<Draft>) => setDraft((earlier) => ({ ...earlier, ...part })), []);

  const takeFile = useCallback(async (file: File) => {
    const kind = await kindOf(file);
    if (kind === 'card') return setDraft((earlier) => ({ ...earlier, card: file }));
    if (kind === 'picture') {
      const picture = newPicture(await usableAsPicture(file));
      return setDraft((earlier) => ({ ...earlier, pictures: [...earlier.pictures, picture] }));
    }
    const read = readDialogues(await file.text()).map(({ user, reply }) => emptyDialogue(user, reply));
    setDraft((earlier) => ({
      ...earlier,
      dialogues: [...earlier.dialogues.filter(({ user, reply }) => user + reply !== ''), ...read],
    }));
  }, []);

  /** Takes pictures, a card, or dialogues; what cannot be read is named, the rest is taken. */
  const take = useCallback(
    async (files: readonly File[]) => {
      setBusy('reading');
      const unread: string[] = [];
      for (const file of files) {
        await takeFile(file).catch((error) => unread.push(`${file.name}: ${wordsOf(error)}`));
      }
      setProblems(unread);
      setBusy('');
    },
    [takeFile],
  );

  const removePicture = useCallback(({ key, address }: DraftPicture) => {
    URL.revokeObjectURL(address);
    setDraft((earlier) => ({ ...earlier, pictures: earlier.pictures.filter((one) => one.key !== key) }));
  }, []);

  /** Saves the character; when it was saved before, it takes the place of what was. */
  const save = async () => {
    setBusy('saving');
    setProblems([]);
    try {
      const next = await upload(formOf(draft));
      setSaved(next);
      if (saved) await removeUpload(saved.id);
    } catch (error) {
      setProblems([wordsOf(error)]);
    } finally {
      setBusy('');
    }
  };

  return { draft, saved, busy, problems, change, take, removePicture, save };
}
