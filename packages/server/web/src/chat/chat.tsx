import { useEffect, useRef, useState } from 'preact/hooks';
import type { Character } from '../api/characters.js';
import { Portrait } from '../shared/portrait.js';
import { Problem } from '../shared/problem.js';
import { Composer } from './composer.js';
import { ConversationList } from './conversation-list.js';
import { Turns } from './turns.js';
import { type OpenConversation, useConversation } from './use-conversation.js';

/** Talking to one character. */
export function Chat({ character }: { character: Character }) {
  const conversation = useConversation(character);
  if (!conversation.loading) return <Talk character={character} conversation={conversation} />;
  return (
    <main>
      {conversation.problem === '' ? (
        <p class="notice" role="status">
          Opening the conversation…
        </p>
      ) : (
        <Problem action="Try again" onAction={conversation.load}>
          Earlier conversations cannot be read: {conversation.problem}
        </Problem>
      )}
    </main>
  );
}

function Talk({ character, conversation }: { character: Character; conversation: OpenConversation }) {
  const { thread, pending, problem } = conversation;
  const { name, portrait } = character;
  const [withPicture, setWithPicture] = useState(false);
  const end = useRef<HTMLDivElement>(null);
  const { shown } = thread;
  useEffect(() => end.current?.scrollIntoView({ block: 'end' }), [shown.length, pending?.text]);
  const unanswered = shown.at(-1)?.role === 'user' && !pending;

  return (
    <main class="chat">
      <ConversationList conversation={conversation} />
      <section aria-label={`Conversation with ${name}`}>
        <div class="with">
          <Portrait name={name} source={portrait} />
          <h1>{name}</h1>
        </div>
        <Turns name={name} conversation={conversation} withPicture={withPicture} />
        {problem !== '' && (
          <Problem
            {...(thread.unsaved
              ? { action: 'Store again', onAction: conversation.keep }
              : unanswered && { action: 'Try again', onAction: () => conversation.regenerate(withPicture) })}
          >
            {thread.unsaved && 'What was said last is not stored yet. '}
            {problem}
          </Problem>
        )}
        <Composer
          name={name}
          busy={pending !== undefined}
          withPicture={withPicture}
          onWithPicture={setWithPicture}
          onSay={(said) => conversation.say(said, withPicture)}
          onStop={conversation.stop}
        />
        <div ref={end} />
      </section>
    </main>
  );
}
