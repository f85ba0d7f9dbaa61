CREATE TABLE conversations (
  id uuid PRIMARY KEY,
  owner text NOT NULL,
  character text NOT NULL,
  -- The last message of the branch that is shown.
  head uuid,
  created_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX conversations_of_owner ON conversations (owner, character, changed_at DESC);
--> statement-breakpoint
-- A tree: answering again or saying something else makes another child of the same parent.
CREATE TABLE messages (
  id uuid PRIMARY KEY,
  conversation_id uuid NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  parent_id uuid REFERENCES messages (id) ON DELETE CASCADE,
  role text NOT NULL CHECK (role IN ('user', 'assistant')),
  content text NOT NULL,
  -- The id of a stored picture.
  picture text,
  position bigint GENERATED ALWAYS AS IDENTITY,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX messages_of_conversation ON messages (conversation_id, position);
--> statement-breakpoint
CREATE INDEX children_of_message ON messages (parent_id);
