-- The store's schema, version 7. Equal to the sum of migrations/ (a test compares them).
--
-- Three kinds of tables:
--   the journal     what happened, once and for ever; every other figure can be recomputed from it
--   look-ups        what the journal says, folded, so that nobody has to read it all: payment, shift, batch, day, snapshot, statement, statement_booked,
--                   suspense_case, awaited
--   side rows       what must not be in the journal: sealed cards and keys (they must die), PIN hashes, print jobs
--
-- All tables are STRICT: SQLite would otherwise keep a text in an INTEGER column, and a sum over it would be wrong without an error.
-- Dates are text (2026-11-20): a technician with the sqlite3 shell reads them, and they sort. Amounts are integers of minor units.
-- A `body` begins with eight bytes of its SHA-256: a bit that flipped on the medium is seen wherever it is read.
-- Times are milliseconds since 1970-01-01T00:00:00Z and decide nothing (sequence decides).

-- One row an event. `bytes` are canonical and hashed; all other columns repeat them for look-ups, and `tilld verify` compares them.
CREATE TABLE journal (
    seq           INTEGER PRIMARY KEY CHECK (seq > 0),
    at            INTEGER NOT NULL,
    business_date TEXT    NOT NULL,
    event         TEXT    NOT NULL,
    payment_id    INTEGER,                       -- the payment that the row is about
    effect        TEXT CHECK (effect IN ('sale', 'refund', 'void', 'voucher')),
    amount        INTEGER,                       -- of the effect; negative only for vouchers
    cashier       TEXT,
    device        TEXT,
    method        TEXT,
    -- The day's totals after this row, so that any moment's figures can be had without adding up.
    sale_count    INTEGER NOT NULL, sale_amount    INTEGER NOT NULL,
    refund_count  INTEGER NOT NULL, refund_amount  INTEGER NOT NULL,
    void_count    INTEGER NOT NULL, void_amount    INTEGER NOT NULL,
    voucher_count INTEGER NOT NULL, voucher_amount INTEGER NOT NULL,
    bytes         BLOB    NOT NULL CHECK (length(bytes) > 1),
    link          BLOB    NOT NULL CHECK (length(link) = 32),  -- SHA-256(previous link, bytes)
    hmac          BLOB    NOT NULL CHECK (length(hmac) = 32),  -- of the link, under the key of the row's day
    CHECK ((effect IS NULL) = (amount IS NULL)),
    CHECK (effect IS NULL OR (payment_id IS NOT NULL AND cashier IS NOT NULL AND device IS NOT NULL AND method IS NOT NULL))
) STRICT;

-- A payment's story.
CREATE INDEX journal_payment ON journal (payment_id) WHERE payment_id IS NOT NULL;

-- The journal is evidence: a wrong row is answered by a later row, never by a change. A program error or a hand in the sqlite3 shell
-- must meet a refusal before it meets the chain.
CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal
BEGIN
    SELECT RAISE(ABORT, 'a journal row never changes');
END;

CREATE TRIGGER journal_never_shrinks BEFORE DELETE ON journal
BEGIN
    SELECT RAISE(ABORT, 'a journal row is never deleted');
END;

-- A gap would look like a deleted row for ever.
CREATE TRIGGER journal_has_no_gap BEFORE INSERT ON journal
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM journal)
BEGIN
    SELECT RAISE(ABORT, 'a journal row must follow the last one');
END;

-- Law 5: what comes late is a voucher in the open day.
CREATE TRIGGER journal_keeps_closed_days BEFORE INSERT ON journal
WHEN EXISTS (SELECT 1 FROM day WHERE date = NEW.business_date AND NEW.seq > last)
BEGIN
    SELECT RAISE(ABORT, 'a closed day takes no journal row');
END;

-- A payment as it is now. `body` is the whole (sum, version byte, postcard); the columns are what is looked up and recounted.
CREATE TABLE payment (
    id            INTEGER PRIMARY KEY CHECK (id > 0),  -- the sequence of its first row
    request_id    TEXT    NOT NULL UNIQUE,             -- law 3: one request makes at most one payment
    kind          TEXT    NOT NULL,
    effect        TEXT    NOT NULL CHECK (effect IN ('sale', 'refund', 'void')),
    method        TEXT    NOT NULL,
    device        TEXT    NOT NULL,
    cashier       TEXT    NOT NULL,
    business_date TEXT    NOT NULL,
    amount        INTEGER NOT NULL CHECK (amount >= 0),
    state         TEXT    NOT NULL,
    counted       INTEGER NOT NULL CHECK (counted IN (0, 1)),  -- stands in its own day's columns
    slot          TEXT,                                -- the line of the bridge, while counted
    voucher_date  TEXT,                                -- stands in this later day's vouchers
    batch         INTEGER,
    stan          INTEGER,
    batch_row     INTEGER,                             -- head of the journal when the batch was stamped: batch numbers come again
    row           INTEGER NOT NULL,                    -- head of the journal when this was last written
    body          BLOB    NOT NULL CHECK (length(body) > 1),
    CHECK (counted = (slot IS NOT NULL))
) STRICT;

CREATE INDEX payment_stan ON payment (device, batch, stan) WHERE batch IS NOT NULL;
-- Only what is under way: a small index, untouched by the many payments that are approved at once.
CREATE INDEX payment_open ON payment (state, id) WHERE state IN ('waiting', 'sent', 'unknown', 'stored', 'set_aside', 'rejected');
-- Refunds of a sale that was made elsewhere are looked for among the few refunds.
CREATE INDEX payment_refund ON payment (id) WHERE kind = 'refund';

CREATE TRIGGER payment_never_vanishes BEFORE DELETE ON payment
BEGIN
    SELECT RAISE(ABORT, 'a payment is never deleted');
END;

-- What a payment was made of never changes, in an open day either: the journal row that made it says the same. Only its fate moves.
CREATE TRIGGER payment_keeps_its_facts
BEFORE UPDATE OF id, request_id, kind, effect, method, device, cashier, business_date, amount ON payment
WHEN NEW.id IS NOT OLD.id OR NEW.request_id IS NOT OLD.request_id OR NEW.kind IS NOT OLD.kind
  OR NEW.effect IS NOT OLD.effect OR NEW.method IS NOT OLD.method OR NEW.device IS NOT OLD.device
  OR NEW.cashier IS NOT OLD.cashier OR NEW.business_date IS NOT OLD.business_date OR NEW.amount IS NOT OLD.amount
BEGIN
    SELECT RAISE(ABORT, 'what a payment was made of never changes');
END;

-- Law 5: a closed day's figures stand. Its payments may still be sent, forwarded, reversed: their state, batch and slot move.
CREATE TRIGGER payment_keeps_closed_days BEFORE UPDATE OF counted ON payment
WHEN NEW.counted <> OLD.counted AND EXISTS (SELECT 1 FROM day WHERE date = OLD.business_date)
BEGIN
    SELECT RAISE(ABORT, 'the figures of a closed day never change');
END;

CREATE TRIGGER payment_not_into_closed_days BEFORE INSERT ON payment
WHEN EXISTS (SELECT 1 FROM day WHERE date = NEW.business_date AND NEW.id > last)
BEGIN
    SELECT RAISE(ABORT, 'a closed day takes no payment');
END;

-- Law 7: card number, expiry, payment code, sealed under the data key. Outside the journal because it must be erased.
-- Deferred: the card may be written before its payment in the same transaction.
CREATE TABLE sealed_card (
    payment_id INTEGER PRIMARY KEY REFERENCES payment (id) DEFERRABLE INITIALLY DEFERRED,
    sealed     BLOB NOT NULL
) STRICT;

-- The spool. A job is `printing` from before its first byte goes out until the printer says that it is done.
CREATE TABLE print_job (
    id      INTEGER PRIMARY KEY,                       -- the youngest is never pruned, so that no number comes again
    printer TEXT    NOT NULL,
    what    TEXT    NOT NULL,                          -- JSON
    reprint INTEGER NOT NULL CHECK (reprint >= 0),     -- 0: the original; n: the n-th reprint
    state   TEXT    NOT NULL CHECK (state IN ('queued', 'printing', 'done')),
    created INTEGER NOT NULL,                          -- head of the journal when it was queued
    tries   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX print_job_waiting ON print_job (printer, id) WHERE state <> 'done';
CREATE INDEX print_job_reprints ON print_job (what, reprint) WHERE reprint > 0;

-- A shift that has ended. Bodies of shift, batch and day are JSON behind their sum: substr(body, 9).
CREATE TABLE shift (
    shift   INTEGER PRIMARY KEY,
    cashier TEXT    NOT NULL,
    closed  TEXT    NOT NULL,                          -- the business day on which it was counted and closed
    body    BLOB    NOT NULL
) STRICT;

CREATE INDEX shift_closed ON shift (closed);

-- A batch at its rung. Law 3: settled at most once, for ever; the first row makes a number that comes again another batch.
-- Of one on the first rung `body` says only that it began: its figures move with every message, and stand in the journal.
CREATE TABLE batch (
    terminal TEXT    NOT NULL,
    batch    INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    rung     TEXT    NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (terminal, batch, first)
) STRICT;

CREATE TRIGGER batch_never_vanishes BEFORE DELETE ON batch
BEGIN
    SELECT RAISE(ABORT, 'a batch is never deleted');
END;

CREATE TRIGGER batch_ends_once BEFORE UPDATE ON batch
WHEN NEW.terminal IS NOT OLD.terminal OR NEW.batch IS NOT OLD.batch OR NEW.first IS NOT OLD.first
  OR (OLD.rung IN ('ended', 'reconciled') AND NEW.rung NOT IN ('ended', 'reconciled'))
BEGIN
    SELECT RAISE(ABORT, 'a batch that has ended never begins again');
END;

-- A day that was cut. `sealed` are the figures of the cut and never change; `body` follows its batches down the ladder.
CREATE TABLE day (
    date   TEXT    PRIMARY KEY NOT NULL,
    z      INTEGER NOT NULL UNIQUE,
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL UNIQUE,
    root   BLOB    NOT NULL CHECK (length(root) = 32),
    sealed BLOB    NOT NULL,
    body   BLOB    NOT NULL,
    CHECK (first <= last)
) STRICT;

CREATE TRIGGER day_never_vanishes BEFORE DELETE ON day
BEGIN
    SELECT RAISE(ABORT, 'a closed day is never deleted');
END;

CREATE TRIGGER day_never_changes BEFORE UPDATE ON day
WHEN NEW.date IS NOT OLD.date OR NEW.z IS NOT OLD.z OR NEW.first IS NOT OLD.first OR NEW.last IS NOT OLD.last
  OR NEW.root IS NOT OLD.root OR NEW.sealed IS NOT OLD.sealed
BEGIN
    SELECT RAISE(ABORT, 'a closed day never changes');
END;

-- The ledger's memory as of a row: a start reads on from there.
CREATE TABLE snapshot (
    seq  INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- PIN hashes, with what the door needs to slow a guesser down across restarts.
CREATE TABLE person_pin (
    cashier      TEXT    PRIMARY KEY NOT NULL,
    hash         BLOB    NOT NULL,
    failures     INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    locked_until INTEGER NOT NULL DEFAULT 0            -- wall clock, milliseconds
) STRICT;

-- The open day's keys, sealed under the data key. One row, overwritten at each cut: the old keys must die.
CREATE TABLE day_key (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    sealed BLOB NOT NULL
) STRICT;

-- Odds and ends by name; `probe` is counted up by the watchdog's test commit, `fold` says in which shape look-ups and snapshots are.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

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
