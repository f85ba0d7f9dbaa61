-- Archives to train on; their files lie in a folder of the same id.
CREATE TABLE training_files (
  id text PRIMARY KEY,
  owner text NOT NULL,
  filename text NOT NULL,
  bytes bigint NOT NULL,
  -- SHA-256 of the upload, hexadecimal.
  sha256 text NOT NULL,
  -- The character's name.
  name text NOT NULL,
  provenance text NOT NULL,
  -- When the owner stated that the depicted person agrees, or that nobody real is depicted; null until then.
  consented_at timestamptz,
  position bigint GENERATED ALWAYS AS IDENTITY,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX training_files_of_owner ON training_files (owner, position DESC);
--> statement-breakpoint
CREATE TABLE fine_tuning_jobs (
  id text PRIMARY KEY,
  owner text NOT NULL,
  status text NOT NULL DEFAULT 'queued'
    CHECK (status IN ('queued', 'running', 'paused', 'succeeded', 'failed', 'cancelled')),
  -- What a running job was asked to do at its next step.
  requested text CHECK (requested IN ('cancel', 'pause')),
  -- Name of the base model.
  model text NOT NULL,
  -- Id of an uploaded character or a training file.
  source text NOT NULL,
  validation_source text,
  character_name text NOT NULL,
  suffix text,
  -- The whole training configuration but for its folders.
  config jsonb NOT NULL,
  -- Method, hyperparameters and stages, as clients see them.
  method jsonb NOT NULL,
  metadata jsonb,
  fine_tuned_model text UNIQUE,
  error jsonb,
  -- The process that trains, and until when nobody else may.
  worker text,
  lease_until timestamptz,
  -- Ends of the training process without a word since the last checkpoint.
  crashes integer NOT NULL DEFAULT 0,
  position bigint GENERATED ALWAYS AS IDENTITY,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
--> statement-breakpoint
CREATE INDEX jobs_of_owner ON fine_tuning_jobs (owner, position DESC);
--> statement-breakpoint
CREATE INDEX jobs_by_status ON fine_tuning_jobs (status, position);
--> statement-breakpoint
CREATE TABLE fine_tuning_events (
  serial bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job_id text NOT NULL REFERENCES fine_tuning_jobs (id) ON DELETE CASCADE,
  -- The line of the run's events.jsonl, from 0; null for what happened to the job itself.
  line integer,
  level text NOT NULL CHECK (level IN ('info', 'warn', 'error')),
  message text NOT NULL,
  data jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
--> statement-breakpoint
CREATE INDEX events_of_job ON fine_tuning_events (job_id, serial);
--> statement-breakpoint
CREATE UNIQUE INDEX lines_of_job ON fine_tuning_events (job_id, line) WHERE line IS NOT NULL;
