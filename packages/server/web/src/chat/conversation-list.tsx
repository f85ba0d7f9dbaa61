import { useState } from 'preact/hooks';
import { Icon } from '../shared/icon.js';
import { ConversationEntry } from './conversation-entry.js';
import type { OpenConversation } from './use-conversation.js';

/** From this width on the list stands beside the conversation; below it is folded. */
const WIDE = '(min-width: 52rem)';

/** The conversations with a character. */
export function ConversationList({ conversation }: { conversation: OpenConversation }) {
  const { list, thread, place } = conversation;
  const [unfolded] = useState(() => matchMedia(WIDE).matches);
  return (
    <aside aria-label="Conversations">
      <button type="button" class="quiet wide" onClick={conversation.start}>
        <Icon name="plus" />
        New conversation
      </button>
      {place === 'browser' && (
        <p class="hint">This server has no database: conversations stay in this browser only.</p>
      )}
      {list.length > 0 && (
        <details open={unfolded}>
          <summary>History</summary>
          <ul>
            {list.map((one) => (
              <ConversationEntry
                key={one.id}
                title={one.title ?? 'New conversation'}
                open={one.id === thread.id}
                onOpen={() => conversation.select(one)}
                onRename={(title) => conversation.rename(one, title)}
                onRemove={() => conversation.remove(one)}
              />
            ))}
          </ul>
        </details>
      )}
    </aside>
  );
}
