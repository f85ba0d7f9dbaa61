import type { Upload } from '../api/uploads.js';
import { trainLink } from '../route.js';
import { FindingList } from '../shared/finding-list.js';
import { inPlainWords } from '../shared/task-words.js';

/** What the doctor says after saving, and what comes next. */
export function Saved({ upload }: { upload: Upload }) {
  const { id, name, findings, missing, trainable, format } = upload;
  const remarks = inPlainWords(findings).length + missing.length;
  return (
    <section class={trainable ? 'panel saved' : 'panel saved not-yet'} role="status">
      <h2>
        {trainable ? `${name} is saved and can be trained` : `${name} is saved, but cannot be trained yet`}
      </h2>
      <p>
        {remarks === 0
          ? 'Nothing to remark on the data.'
          : `${remarks} ${remarks === 1 ? 'remark' : 'remarks'} on the data${
              format === 'folder'
                ? ', each beside what it is about. Change what you like and save again.'
                : ':'
            }`}
      </p>
      {format !== 'folder' && <FindingList findings={findings} missing={missing} />}
      <div class="row">
        {trainable && (
          <a class="button" href={trainLink(id)}>
            Train {name}
          </a>
        )}
        <a class="button quiet" href="#/">
          To the gallery
        </a>
      </div>
    </section>
  );
}
