import { useState } from 'preact/hooks';
import { wordsOf } from '../api/request.js';
import { type CardFormat, removeUpload, saveCard, type Upload } from '../api/uploads.js';
import { trainLink } from '../route.js';
import { IconButton } from '../shared/icon-button.js';
import { Portrait } from '../shared/portrait.js';

interface UploadCardProps {
  readonly upload: Upload;
  readonly onRemoved: () => void;
}

/** A character that was made here: what it has, what it lacks, and its card to take along. */
export function UploadCard({ upload, onRemoved }: UploadCardProps) {
  const { id, name, portrait, images, tasks, missing, trainable, findings } = upload;
  const [asking, setAsking] = useState(false);
  const [problem, setProblem] = useState('');
  const attempt = (work: Promise<void>) => work.catch((error) => setProblem(wordsOf(error)));
  const samples = tasks.reduce((sum, task) => sum + task.samples, 0);
  const errors = findings.filter(({ severity }) => severity === 'error');
  const formats: CardFormat[] = images > 0 ? ['png', 'charx', 'json'] : ['charx', 'json'];
  return (
    <li class="card">
      <Portrait name={name} source={portrait} />
      <h2>{name}</h2>
      <p class="hint">
        {images} {images === 1 ? 'picture' : 'pictures'}, {samples} examples to learn from
      </p>
      {(missing.length > 0 || errors.length > 0) && (
        <ul class="remarks">
          {missing.map(({ what, required, message }) => (
            <li key={what} class={required ? 'error' : 'info'}>
              {message}
            </li>
          ))}
          {errors.map(({ file, field, message }) => (
            <li key={`${file}${field}${message}`} class="error">
              {message}
            </li>
          ))}
        </ul>
      )}
      <p class="hint exports">
        Card:{' '}
        {formats.map((format) => (
          <button
            key={format}
            type="button"
            class="tool"
            aria-label={`Save ${name} as ${format.toUpperCase()}`}
            onClick={() => attempt(saveCard(upload, format))}
          >
            {format.toUpperCase()}
          </button>
        ))}
      </p>
      {problem !== '' && <p role="alert">{problem}</p>}
      {asking ? (
        <div class="actions">
          <button type="button" class="danger" onClick={() => attempt(removeUpload(id).then(onRemoved))}>
            Delete {name}
          </button>
          <button
            type="button"
            class="quiet"
            ref={(button) => button?.focus()}
            onClick={() => setAsking(false)}
          >
            Keep
          </button>
        </div>
      ) : (
        <div class="actions">
          {trainable ? (
            <a class="button" href={trainLink(id)} aria-label={`Train ${name}`}>
              Train
            </a>
          ) : (
            <strong class="mark failed">Not trainable yet</strong>
          )}
          <span class="spring" />
          <IconButton icon="trash" label={`Delete ${name}`} onClick={() => setAsking(true)} />
        </div>
      )}
    </li>
  );
}
