-- 0002: statements that were reconciled.

-- Statements of the other side that were reconciled. The file itself is not kept: its hash tells the same file again.
CREATE TABLE statement (
    id          INTEGER PRIMARY KEY,
    hash        BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),  -- SHA-256 of the file
    format      TEXT    NOT NULL,
    name        TEXT    NOT NULL,                      -- the file's, for people
    lines       INTEGER NOT NULL,
    spoiled     INTEGER NOT NULL,                      -- lines that could not be read
    imported_at INTEGER NOT NULL,
    matched     INTEGER NOT NULL,                      -- what it came to when it was imported
    long        INTEGER NOT NULL,
    short       INTEGER NOT NULL,
    differs     INTEGER NOT NULL,
    timing      INTEGER NOT NULL
) STRICT;

CREATE TRIGGER statement_never_vanishes BEFORE DELETE ON statement
BEGIN
    SELECT RAISE(ABORT, 'a statement is never deleted');
END;

CREATE TRIGGER statement_never_changes BEFORE UPDATE ON statement
BEGIN
    SELECT RAISE(ABORT, 'a statement never changes');
END;

-- The days that a statement speaks for. A later one of the same format takes a day over, whole, and once.
CREATE TABLE statement_day (
    statement     INTEGER NOT NULL REFERENCES statement (id),
    day           TEXT    NOT NULL,
    superseded_by INTEGER REFERENCES statement (id),
    PRIMARY KEY (statement, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX statement_day_live ON statement_day (day) WHERE superseded_by IS NULL;

CREATE TRIGGER statement_day_never_vanishes BEFORE DELETE ON statement_day
BEGIN
    SELECT RAISE(ABORT, 'a day of a statement is never deleted');
END;

CREATE TRIGGER statement_day_is_superseded_once BEFORE UPDATE ON statement_day
WHEN NEW.statement IS NOT OLD.statement OR NEW.day IS NOT OLD.day OR OLD.superseded_by IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a superseded day stays superseded');
END;
