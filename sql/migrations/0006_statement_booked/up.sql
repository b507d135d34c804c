-- 0006: a payment that the other side books in two statements. Of statements taken before, what they have is not known.

-- Which payments a statement has with money, so that another one that has them again is told. A look-up of the journal's `statement_booked` rows.
-- Rows hold until a later statement speaks for their day, and as long as any day of their own statement does.
CREATE TABLE statement_booked (
    row       INTEGER PRIMARY KEY,                     -- of the journal
    statement INTEGER NOT NULL REFERENCES statement (id),
    day       TEXT    NOT NULL,                        -- of its rows
    first     INTEGER NOT NULL,                        -- the lowest payment
    last      INTEGER NOT NULL,                        -- the highest
    payments  BLOB    NOT NULL CHECK (length(payments) > 8)  -- sum, then the steps between the payments
) STRICT;

CREATE INDEX statement_booked_payments ON statement_booked (last, first);

CREATE TRIGGER statement_booked_never_vanishes BEFORE DELETE ON statement_booked
BEGIN
    SELECT RAISE(ABORT, 'what a statement has is never deleted');
END;

CREATE TRIGGER statement_booked_never_changes BEFORE UPDATE ON statement_booked
BEGIN
    SELECT RAISE(ABORT, 'what a statement has never changes');
END;
