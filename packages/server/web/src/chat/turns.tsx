import { alternatives } from './message-tree.js';
import { PendingBubble } from './pending-bubble.js';
import { Turn } from './turn.js';
import type { OpenConversation } from './use-conversation.js';

interface TurnsProps {
  readonly name: string;
  readonly conversation: OpenConversation;
  readonly withPicture: boolean;
}

/** The branch that is shown, and the reply that is being written. */
export function Turns({ name, conversation, withPicture }: TurnsProps) {
  const { thread, pending } = conversation;
  const shown = pending ? thread.shown.slice(0, pending.length) : thread.shown;
  return (
    <div class="turns" role="log" aria-live="polite">
      {shown.length === 0 && !pending && (
        <p class="hint">{name} waits for your first words. Say hello, or ask for a picture.</p>
      )}
      {shown.map((message, index) => {
        const answered = message.role === 'assistant' && index === shown.length - 1 && index > 0;
        return (
          <Turn
            key={message.id}
            name={name}
            message={message}
            alternatives={alternatives(thread.all, message)}
            busy={pending !== undefined}
            onChoose={conversation.choose}
            onEdit={(text) => conversation.edit(message, text, withPicture)}
            {...(answered && !pending
              ? { onAgain: () => conversation.regenerate(withPicture), onGoOn: conversation.goOn }
              : {})}
          />
        );
      })}
      {pending && <PendingBubble name={name} text={pending.text} drawing={pending.drawing} />}
    </div>
  );
}
