import { useEffect, useRef } from 'preact/hooks';
import { Problem } from '../shared/problem.js';
import { CardPreview } from './card-preview.js';
import { Consent } from './consent.js';
import { DropZone } from './drop-zone.js';
import { placeFindings } from './place-findings.js';
import { ProfileFields } from './profile-fields.js';
import { Saved } from './saved.js';
import { useDraft } from './use-draft.js';

/** Making a character: pictures and words, or a card. */
export function Create() {
  const { draft, saved, busy, problems, change, take, removePicture, save } = useDraft();
  const remarks = placeFindings(draft, saved?.findings ?? [], saved?.missing ?? []);
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (saved || problems.length > 0) top.current?.scrollIntoView();
  }, [saved, problems]);
  useLeaveWarning(!saved && (draft.pictures.length > 0 || draft.description !== ''));

  return (
    <main
      class="create"
      onPaste={(event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length === 0) return;
        event.preventDefault();
        void take(files);
      }}
    >
      <div ref={top}>
        <h1>Create a character</h1>
        <p class="hint">Ten pictures and a few dialogues are enough; more of both make it better.</p>
      </div>
      {saved && <Saved upload={saved} />}
      {problems.map((problem) => (
        <Problem key={problem}>{problem}</Problem>
      ))}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {draft.card ? (
          <CardPreview card={draft.card} onRemove={() => change({ card: undefined })} />
        ) : (
          <>
            <DropZone busy={busy === 'reading'} small={draft.pictures.length > 0} onFiles={take} />
            <ProfileFields
              draft={draft}
              remarks={remarks}
              onChange={change}
              onRemovePicture={removePicture}
            />
          </>
        )}
        <Consent draft={draft} onChange={change} />
        <div class="row">
          <button type="submit" disabled={busy !== ''}>
            {busy === 'saving' ? 'Saving…' : saved ? 'Save again' : 'Save and check'}
          </button>
          <p class="hint" role="status">
            {busy === 'saving' ? 'The data is being looked over.' : ''}
          </p>
        </div>
      </form>
    </main>
  );
}

/** The browser asks before the page goes with what was not saved. */
function useLeaveWarning(unsaved: boolean): void {
  useEffect(() => {
    if (!unsaved) return;
    const warn = (event: Event) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [unsaved]);
}
