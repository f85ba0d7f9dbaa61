CREATE TABLE api_keys (
  id text PRIMARY KEY,
  name text NOT NULL,
  -- SHA-256 of the key, hexadecimal; the key itself is shown once and kept nowhere.
  hash text NOT NULL UNIQUE,
  requests_per_minute integer CHECK (requests_per_minute > 0),
  concurrent_requests integer CHECK (concurrent_requests > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
