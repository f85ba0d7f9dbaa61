import { useEffect, useRef, useState } from 'preact/hooks';
import type { Character } from './api.js';
import { Composer } from './composer.js';
import { titleOf } from './conversations.js';
import { Portrait } from './portrait.js';
import { CharacterBubble, PendingBubble, UserBubble } from './turns.js';
import { useConversation } from './use-conversation.js';

/** Talking to one character. */
export function Chat({ character }: { character: Character }) {
  const conversation = useConversation(character);
  const { all, open, pending, problem } = conversation;
  const [withPicture, setWithPicture] = useState(false);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => end.current?.scrollIntoView({ block: 'end' }), [open.turns.length, pending?.text]);
  const last = open.turns.length - 1;

  return (
    <main class="chat">
      <aside aria-label="Conversations">
        <button type="button" class="button quiet" onClick={conversation.start}>
          New conversation
        </button>
        <ul>
          {all.map((one) => (
            <li key={one.id}>
              <button
                type="button"
                class="entry"
                aria-current={one.id === open.id ? 'true' : undefined}
                onClick={() => conversation.select(one)}
              >
                {titleOf(one)}
              </button>
              <button
                type="button"
                class="icon"
                aria-label={`Delete the conversation “${titleOf(one)}”`}
                onClick={() => conversation.remove(one)}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      </aside>
      <section aria-label={`Conversation with ${character.name}`}>
        <div class="with">
          <Portrait character={character} />
          <h1>{character.name}</h1>
        </div>
        <div class="turns" role="log" aria-live="polite">
          {open.turns.map((turn, index) =>
            turn.role === 'user' ? (
              <UserBubble
                key={index}
                text={turn.text}
                busy={pending !== undefined}
                onEdit={(text) => conversation.edit(index, text, withPicture)}
              />
            ) : (
              <CharacterBubble
                key={index}
                name={character.name}
                turn={turn}
                onChoose={(chosen) => conversation.choose(index, chosen)}
                {...(index === last && index > 0 && !pending
                  ? { onRegenerate: () => conversation.regenerate(withPicture) }
                  : {})}
              />
            ),
          )}
          {pending && <PendingBubble name={character.name} text={pending.text} drawing={withPicture} />}
          <div ref={end} />
        </div>
        {problem !== '' && (
          <p class="problem" role="alert">
            {problem}{' '}
            {open.turns.at(-1)?.role === 'user' && !pending && (
              <button type="button" onClick={() => conversation.regenerate(withPicture)}>
                Try again
              </button>
            )}
          </p>
        )}
        <Composer
          name={character.name}
          busy={pending !== undefined}
          withPicture={withPicture}
          onWithPicture={setWithPicture}
          onSay={(text) => conversation.say(text, withPicture)}
          onStop={conversation.stop}
        />
      </section>
    </main>
  );
}
