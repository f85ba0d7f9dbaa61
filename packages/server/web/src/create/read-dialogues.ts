/** Reads dialogues that people have already: JSON, JSON Lines, or text in which a name and a colon begin what is said. */

export interface ReadDialogue {
  readonly user: string;
  readonly reply: string;
}

interface Line {
  readonly own: boolean;
  readonly text: string;
}

const USERS = /^(user|human|you|me|\{\{user\}\}|<user>)$/i;

/** @throws Error that says what was expected */
export function readDialogues(text: string): ReadDialogue[] {
  const found = /^\s*[[{]/.test(text) ? fromJson(text) : pairsOf(linesOf(text));
  if (found.length > 0) return found;
  throw new Error(
    'No dialogue was found. Expected lines such as “User: Hello” and “Robin: Peep!”, or JSON with ' +
      '[{"user": "…", "reply": "…"}] or {"messages": [{"role": "user", "content": "…"}, …]}.',
  );
}

function fromJson(text: string): ReadDialogue[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line, index) => {
        try {
          return JSON.parse(line) as unknown;
        } catch {
          throw new Error(`Line ${index + 1} is no JSON.`);
        }
      });
  }
  return fromValue(value);
}

function fromValue(value: unknown): ReadDialogue[] {
  if (Array.isArray(value)) {
    return value.some(isMessage) ? pairsOf(value.flatMap(asLine)) : value.flatMap(fromValue);
  }
  if (typeof value !== 'object' || value === null) return [];
  const { user, reply, messages, conversations, dialogues, scenes } = value as Record<string, unknown>;
  if (typeof user === 'string' && typeof reply === 'string') return [{ user, reply }];
  const lists = [messages, conversations, dialogues, scenes];
  return lists.flatMap((list) => (Array.isArray(list) ? fromValue(list) : []));
}

/** OpenAI's `{role, content}`, ShareGPT's `{from, value}`, RoleScape's `{role, text}`. */
function asLine(message: unknown): Line[] {
  if (!isMessage(message)) return [];
  const { role, content, from, value, text: words } = message;
  const speaker = String(role ?? from);
  const text = content ?? value ?? words;
  return speaker === 'system' || typeof text !== 'string' ? [] : [{ own: USERS.test(speaker), text }];
}

function isMessage(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && ('role' in value || 'from' in value);
}

/** `Name: words`; lines without a name go on with what was said before. */
function linesOf(text: string): Line[] {
  const lines: { own: boolean; text: string }[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*([^:]{1,40}):\s*(.*)$/.exec(line);
    const last = lines.at(-1);
    if (match) lines.push({ own: USERS.test(match[1]!.trim()), text: match[2]! });
    else if (last && line.trim() !== '' && !/^<START>$/i.test(line.trim())) last.text += `\n${line.trim()}`;
  }
  return lines;
}

/** What the user says and the character answers; the last words of each before the other speaks. */
function pairsOf(lines: readonly Line[]): ReadDialogue[] {
  return lines.flatMap(({ own, text }, index) => {
    const asked = lines[index - 1];
    return own || !asked?.own ? [] : [{ user: asked.text.trim(), reply: text.trim() }];
  });
}
