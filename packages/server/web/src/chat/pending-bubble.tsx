interface PendingBubbleProps {
  readonly name: string;
  readonly text: string;
  readonly drawing: boolean;
}

/** A reply that is being written. */
export function PendingBubble({ name, text, drawing }: PendingBubbleProps) {
  return (
    <article class="turn pending" aria-label={`${name} is answering`} aria-busy="true">
      {text === '' ? <p class="dots" role="img" aria-label="thinking" /> : <p>{text}</p>}
      {drawing && text !== '' && (
        <>
          <span class="picture waiting" aria-hidden="true" />
          <p class="hint">{name} is drawing…</p>
        </>
      )}
    </article>
  );
}
