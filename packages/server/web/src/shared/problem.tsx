import type { ComponentChildren } from 'preact';

interface ProblemProps {
  readonly children: ComponentChildren;
  /** What the button says that tries again. */
  readonly action?: string;
  readonly onAction?: () => void;
}

/** Something went wrong, and what can be done about it. */
export function Problem({ children, action, onAction }: ProblemProps) {
  return (
    <div class="problem" role="alert">
      <p>{children}</p>
      {action && (
        <button type="button" class="quiet" onClick={() => onAction?.()}>
          {action}
        </button>
      )}
    </div>
  );
}
