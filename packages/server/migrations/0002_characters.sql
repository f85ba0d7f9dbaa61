-- Characters that were uploaded; their files lie in a folder of the same id.
CREATE TABLE characters (
  id text PRIMARY KEY,
  owner text NOT NULL,
  name text NOT NULL,
  format text NOT NULL CHECK (format IN ('png', 'json', 'charx', 'folder')),
  -- SHA-256 of the upload, hexadecimal.
  sha256 text NOT NULL,
  -- Where it comes from, in the words of who uploaded it.
  provenance text NOT NULL,
  -- When the owner stated that the depicted person agrees, or that nobody real is depicted.
  consented_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX characters_of_owner ON characters (owner, consented_at DESC);
