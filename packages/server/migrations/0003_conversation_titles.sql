-- The name that somebody gave to a conversation; without one, lists show the beginning of what was said first.
ALTER TABLE conversations ADD COLUMN title text;
