-- A door that has failed ever since it exists must grow old too: without this its age began anew with every failure.
ALTER TABLE periodic ADD COLUMN installed_at timestamptz NOT NULL DEFAULT desk_now();
