-- 0004: cases in suspense, and what is waited for.

-- 挂账: a difference between a statement and the journal. A look-up of the journal's case rows; `body` is the whole (sum, version byte, postcard).
CREATE TABLE suspense_case (
    id         INTEGER PRIMARY KEY,
    format     TEXT    NOT NULL,                       -- of the statement that shows it
    difference TEXT    NOT NULL,                       -- names the same difference again in a later statement
    day        TEXT    NOT NULL,                       -- the statement's day
    class      TEXT    NOT NULL,                       -- long, short, differs, timing
    state      TEXT    NOT NULL CHECK (state IN ('open', 'in_progress', 'resolved')),
    payment    INTEGER,
    cashier    TEXT,
    device     TEXT,
    refund     INTEGER,                                -- the payment by which the customer has got it back
    body       BLOB    NOT NULL CHECK (length(body) > 1),
    UNIQUE (format, difference)
) STRICT;

CREATE INDEX suspense_case_day ON suspense_case (format, day);
CREATE INDEX suspense_case_open ON suspense_case (id) WHERE state <> 'resolved';
CREATE INDEX suspense_case_payment ON suspense_case (payment) WHERE payment IS NOT NULL;
-- One refund ends one case.
CREATE UNIQUE INDEX suspense_case_refund ON suspense_case (refund) WHERE refund IS NOT NULL;

CREATE TRIGGER suspense_case_never_vanishes BEFORE DELETE ON suspense_case
BEGIN
    SELECT RAISE(ABORT, 'a case is never deleted');
END;

-- Payments that a later statement should have: the other side of the cut. Forgotten when they come, or when they become a case.
CREATE TABLE awaited (
    payment INTEGER PRIMARY KEY,
    format  TEXT NOT NULL,
    day     TEXT NOT NULL,                             -- the other side's day on which it should stand
    until   TEXT NOT NULL                              -- waited for up to and including this day
) STRICT;

CREATE INDEX awaited_format ON awaited (format);
