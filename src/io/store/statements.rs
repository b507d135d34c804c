//! Every statement that tilld sends to SQLite, apart from the schema (`sql/`) and pragmas (`open.rs`, `writer.rs`). Nothing else lives here.

// The writer.

pub const HEAD: &str = "SELECT seq, link FROM journal ORDER BY seq DESC LIMIT 1";

/// The first row of a date, or of what follows it. A day is a range of rows, and a payment's number is its first row's, so that no index by date is
/// written at every sale. What reads by such a range asks for the date too: the range is where to look, the column is what counts.
macro_rules! first_row {
    ($date:literal) => {
        concat!(
            "coalesce((SELECT first FROM day WHERE date >= ",
            $date,
            " ORDER BY date LIMIT 1), (SELECT coalesce(max(last), 0) + 1 FROM day))"
        )
    };
}

/// The last row of a date, or of what lies before it; the open day has no end.
macro_rules! last_row {
    ($date:literal) => {
        concat!(
            "(CASE WHEN EXISTS (SELECT 1 FROM day WHERE date >= ",
            $date,
            ") THEN coalesce((SELECT last FROM day WHERE date <= ",
            $date,
            " ORDER BY date DESC LIMIT 1), 0) ELSE 9223372036854775807 END)"
        )
    };
}

pub const APPEND: &str = "INSERT INTO journal (seq, at, business_date, event, payment_id, effect, amount, cashier, device, method,
    sale_count, sale_amount, refund_count, refund_amount, void_count, void_amount, voucher_count, voucher_amount, bytes, link, hmac)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";

/// A payment that is there and whose number on the line stays: what else moves, so that the index of these numbers is not written again. The
/// parameters are those of [`PUT_PAYMENT`].
pub const PUT_PAYMENT_AGAIN: &str = "UPDATE payment SET state = ?10, counted = ?11, slot = ?12, voucher_date = ?13, row = ?17, body = ?18
    WHERE id = ?1 AND batch IS ?14 AND stan IS ?15 AND request_id = ?2 AND kind = ?3 AND effect = ?4 AND method = ?5 AND device = ?6
      AND cashier = ?7 AND business_date = ?8 AND amount = ?9";
/// The facts of a payment are compared, not written again: a row of the same id and other facts changes nothing, and that is an error.
pub const PUT_PAYMENT: &str = "INSERT INTO payment (id, request_id, kind, effect, method, device, cashier, business_date, amount,
        state, counted, slot, voucher_date, batch, stan, batch_row, row, body)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, counted = excluded.counted, slot = excluded.slot,
        voucher_date = excluded.voucher_date, batch = excluded.batch, stan = excluded.stan,
        batch_row = CASE WHEN excluded.batch IS NULL THEN NULL WHEN batch IS excluded.batch THEN batch_row ELSE excluded.batch_row END,
        row = excluded.row, body = excluded.body
    WHERE request_id = excluded.request_id AND kind = excluded.kind AND effect = excluded.effect AND method = excluded.method
      AND device = excluded.device AND cashier = excluded.cashier AND business_date = excluded.business_date AND amount = excluded.amount";

pub const PUT_CARD: &str = "INSERT INTO sealed_card (payment_id, sealed) VALUES (?1, ?2)
    ON CONFLICT (payment_id) DO UPDATE SET sealed = excluded.sealed";
pub const ERASE_CARD: &str = "DELETE FROM sealed_card WHERE payment_id = ?1";

pub const PUT_SHIFT: &str = "INSERT INTO shift (shift, cashier, closed, body) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (shift) DO UPDATE SET closed = excluded.closed, body = excluded.body WHERE cashier = excluded.cashier";

/// What stands there already is not written again: a batch's row moves with its rung, not with each message.
pub const PUT_BATCH: &str = "INSERT INTO batch (terminal, batch, first, rung, body) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (terminal, batch, first) DO UPDATE SET rung = excluded.rung, body = excluded.body
    WHERE rung <> excluded.rung OR body <> excluded.body";

/// What was sealed stays; only `body` follows the ladder.
pub const PUT_DAY: &str =
    "INSERT INTO day (date, z, first, last, root, sealed, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (date) DO UPDATE SET body = excluded.body
    WHERE z = excluded.z AND first = excluded.first AND last = excluded.last AND root = excluded.root";

pub const PUT_JOB: &str =
    "INSERT INTO print_job (printer, what, reprint, state, created) VALUES (?1, ?2, ?3, 'queued', ?4)";

pub const PUT_PIN: &str = "INSERT INTO person_pin (cashier, hash) VALUES (?1, ?2)
    ON CONFLICT (cashier) DO UPDATE SET hash = excluded.hash, failures = 0, locked_until = 0";

pub const PUT_DAY_KEYS: &str =
    "INSERT INTO day_key (id, sealed) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed";
pub const DAY_KEYS: &str = "SELECT sealed FROM day_key WHERE id = 1";

pub const PUT_SNAPSHOT: &str =
    "INSERT INTO snapshot (seq, body) VALUES (?1, ?2) ON CONFLICT (seq) DO UPDATE SET body = excluded.body";
pub const SNAPSHOT: &str = "SELECT seq, body FROM snapshot WHERE ?1 IS NULL OR seq <= ?1 ORDER BY seq DESC LIMIT 1";

pub const REPLAY: &str = "SELECT seq, bytes, link FROM journal WHERE seq > ?1 AND seq <= ?2 ORDER BY seq";

// Print jobs.

pub const CLAIM_JOB: &str = "UPDATE print_job SET state = 'printing', tries = tries + 1
    WHERE id = (SELECT id FROM print_job WHERE printer = ?1 AND state = 'queued' ORDER BY id LIMIT 1)
    RETURNING id, printer, what, reprint, state, created, tries";
pub const SET_JOB: &str = "UPDATE print_job SET state = ?2 WHERE id = ?1";
pub const REPRINT_JOB: &str = "UPDATE print_job SET state = 'queued', reprint = ?2 WHERE id = ?1";
pub const REQUEUE_BEGUN: &str = "UPDATE print_job SET state = 'queued' WHERE state = 'printing'";
pub const PRUNE_JOBS: &str = "DELETE FROM print_job WHERE id IN (SELECT id FROM print_job
    WHERE state = 'done' AND reprint = 0 AND created < ?1 AND id < (SELECT max(id) FROM print_job) ORDER BY id LIMIT ?2)";
pub const JOBS: &str = "SELECT id, printer, what, reprint, state, created, tries FROM print_job
    WHERE state <> 'done' AND (?1 IS NULL OR printer = ?1) ORDER BY printer, id LIMIT ?2";
pub const JOB: &str = "SELECT id, printer, what, reprint, state, created, tries FROM print_job WHERE id = ?1";
pub const JOBS_WAITING: &str = "SELECT count(*) FROM print_job WHERE printer = ?1 AND state <> 'done'";
pub const TIMES_PRINTED: &str = "SELECT coalesce(max(reprint), 0) FROM print_job WHERE what = ?1 AND reprint > 0";

// People.

pub const PIN: &str = "SELECT hash, failures, locked_until FROM person_pin WHERE cashier = ?1";
pub const SET_PIN_STATE: &str = "UPDATE person_pin SET failures = ?2, locked_until = ?3 WHERE cashier = ?1";

// Statements of the other side.

pub const PUT_STATEMENT: &str =
    "INSERT INTO statement (hash, format, name, lines, spoiled, imported_at, matched, long, short, differs, timing, id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
pub const LAST_STATEMENT: &str = "SELECT coalesce(max(id), 0) FROM statement";
pub const SUPERSEDE_DAY: &str = "UPDATE statement_day SET superseded_by = ?1 WHERE day = ?2 AND superseded_by IS NULL
    AND statement IN (SELECT id FROM statement WHERE format = ?3 AND id <> ?1)";
pub const PUT_STATEMENT_DAY: &str = "INSERT INTO statement_day (statement, day) VALUES (?1, ?2)";
pub const STATEMENT_BY_HASH: &str = "SELECT id, name, imported_at FROM statement WHERE hash = ?1";
pub const STATEMENT_DAYS: &str =
    "SELECT d.day, d.superseded_by, s.name FROM statement_day d LEFT JOIN statement s ON s.id = d.superseded_by
    WHERE d.statement = ?1 ORDER BY d.day LIMIT 1000";
pub const LIVE_DAYS: &str = "SELECT d.day, s.id, s.name FROM statement_day d JOIN statement s ON s.id = d.statement
    WHERE d.superseded_by IS NULL AND s.format = ?1 AND d.day BETWEEN ?2 AND ?3 ORDER BY d.day LIMIT 1000";
pub const PUT_BOOKED: &str =
    "INSERT INTO statement_booked (row, statement, day, first, last, payments) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
/// What statements of a format have of these payments, as far as it still holds.
pub const BOOKED: &str =
    "SELECT b.statement, b.day, s.name, b.payments FROM statement_booked b JOIN statement s ON s.id = b.statement
    WHERE b.last >= ?2 AND b.first <= ?3 AND s.format = ?1
        AND EXISTS (SELECT 1 FROM statement_day d WHERE d.statement = b.statement AND d.superseded_by IS NULL)
        AND NOT EXISTS (SELECT 1 FROM statement_day d JOIN statement o ON o.id = d.statement
            WHERE d.day = b.day AND d.superseded_by IS NULL AND o.format = s.format AND d.statement > b.statement)
    ORDER BY b.row";
/// The cases of a format about payments between two that came twice.
pub const CASES_TWICE: &str = "SELECT id, body FROM suspense_case
    WHERE payment BETWEEN ?2 AND ?3 AND +format = ?1 AND difference LIKE '%|duplicate%' ORDER BY id";
/// The first and the last row of these days.
pub const ROWS_BETWEEN: &str = concat!("SELECT ", first_row!("?1"), ", ", last_row!("?2"));
/// What a statement may speak of: sent by a terminal. Read by id, a few thousand at a time.
pub const SENT_BETWEEN: &str = concat!(
    "SELECT id, body FROM payment WHERE id BETWEEN max(",
    first_row!("?1"),
    ", ?3 + 1) AND ",
    last_row!("?2"),
    " AND business_date BETWEEN ?1 AND ?2 AND stan IS NOT NULL ORDER BY id LIMIT 2048"
);
pub const COUPONS_BETWEEN: &str = concat!(
    "SELECT id, body FROM payment WHERE id BETWEEN max(",
    first_row!("?1"),
    ", ?3 + 1) AND ",
    last_row!("?2"),
    " AND business_date BETWEEN ?1 AND ?2 AND method = 'voucher' ORDER BY id LIMIT 2048"
);
pub const COUNT_SENT_BETWEEN: &str = concat!(
    "SELECT count(*) FROM payment WHERE id BETWEEN ",
    first_row!("?1"),
    " AND ",
    last_row!("?2"),
    " AND business_date BETWEEN ?1 AND ?2 AND stan IS NOT NULL"
);

// Cases, and what is waited for.

pub const PUT_CASE: &str = "INSERT INTO suspense_case (id, format, difference, day, class, state, payment, cashier, device, refund, body)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (id) DO UPDATE SET day = excluded.day, class = excluded.class, state = excluded.state, payment = excluded.payment,
        cashier = excluded.cashier, device = excluded.device, refund = excluded.refund, body = excluded.body
    WHERE format = excluded.format AND difference = excluded.difference";
pub const CASE: &str = "SELECT id, body FROM suspense_case WHERE id = ?1";
pub const CASE_OF: &str = "SELECT id FROM suspense_case WHERE format = ?1 AND difference = ?2";
pub const CASE_REFUNDED_BY: &str = "SELECT id FROM suspense_case WHERE refund = ?1";
pub const CASES_ON: &str =
    "SELECT id FROM suspense_case WHERE format = ?1 AND day BETWEEN ?2 AND ?3 ORDER BY id LIMIT 20000";
pub const CASES: &str = "SELECT id, body FROM suspense_case
    WHERE id < ?1 AND (?2 IS NULL OR state = ?2 OR (?2 = 'unresolved' AND state <> 'resolved')) AND (?3 IS NULL OR class = ?3)
        AND (?4 IS NULL OR cashier = ?4) AND (?5 IS NULL OR device = ?5) AND (?6 IS NULL OR day = ?6) AND (?7 IS NULL OR payment = ?7)
    ORDER BY id DESC LIMIT ?8";
pub const ALL_CASES: &str = "SELECT id, body FROM suspense_case WHERE id > ?1 ORDER BY id LIMIT 256";
/// Of these payments a statement's silence, or its row, says something: they are waited for, or a case is about them.
pub const WATCHED: &str = "SELECT payment FROM awaited WHERE format = ?1
    UNION SELECT payment FROM suspense_case WHERE format = ?1 AND payment IS NOT NULL AND (state <> 'resolved' OR day BETWEEN ?2 AND ?3)
    LIMIT 40000";
pub const PUT_AWAITED: &str = "INSERT INTO awaited (payment, format, day, until) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (payment) DO UPDATE SET format = excluded.format, day = excluded.day, until = excluded.until";
pub const FORGET_AWAITED: &str = "DELETE FROM awaited WHERE payment = ?1";
pub const STATEMENTS: &str = "SELECT s.id, s.hash, s.format, s.name, s.lines, s.spoiled, s.imported_at, s.matched, s.long, s.short, s.differs,
        s.timing, (SELECT min(day) FROM statement_day d WHERE d.statement = s.id), (SELECT max(day) FROM statement_day d WHERE d.statement = s.id),
        (SELECT count(*) FROM statement_day d WHERE d.statement = s.id AND d.superseded_by IS NOT NULL)
    FROM statement s WHERE s.id < ?1 ORDER BY s.id DESC LIMIT ?2";

// The watchdog's test commit.

pub const PROBE: &str = "INSERT INTO meta (name, value) VALUES ('probe', '1')
    ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)";

// Look-ups.

pub const PAYMENT: &str = "SELECT body FROM payment WHERE id = ?1";
pub const BY_REQUEST: &str = "SELECT id FROM payment WHERE request_id = ?1";
pub const BY_STAN: &str =
    "SELECT id FROM payment WHERE device = ?1 AND batch = ?2 AND stan = ?3 ORDER BY batch_row DESC, id DESC LIMIT 1";
/// A body has its texts as they are; who asks looks at where it stands. Refunds are few, and one of a sale elsewhere is rarer.
pub const REFUNDS_NAMING: &str =
    "SELECT id, body FROM payment WHERE kind = 'refund' AND instr(body, ?1) > 0 ORDER BY id";
/// Batch numbers come again after 999,999: the members were stamped between this batch's first row and that of the next of the same number.
pub const BATCH_MEMBERS: &str = "SELECT id FROM payment WHERE device = ?1 AND batch = ?2 AND batch_row >= ?3
      AND batch_row < coalesce((SELECT min(first) FROM batch WHERE terminal = ?1 AND batch = ?2 AND first > ?3), 9223372036854775807)
    ORDER BY id";
pub const SEALED_CARD: &str = "SELECT sealed FROM sealed_card WHERE payment_id = ?1";

/// Added up by the program: three GROUP BYs would read and sort a big day's rows three times.
pub const RECOUNT_EFFECTS: &str = concat!(
    "SELECT effect, amount, cashier, device, method FROM journal WHERE seq BETWEEN ",
    first_row!("?1"),
    " AND ",
    last_row!("?1"),
    " AND business_date = ?1 AND effect IS NOT NULL"
);
pub const RECOUNT_SLOTS: &str = concat!(
    "SELECT effect, amount, slot FROM payment WHERE id BETWEEN ",
    first_row!("?1"),
    " AND ",
    last_row!("?1"),
    " AND business_date = ?1 AND counted = 1"
);

/// Payments of a day whose row and whose entries in the day's columns differ, in either direction. At most 1,000: a cut names, it does not list.
pub const SUSPECTS: &str = concat!(
    "WITH entry AS (
        SELECT payment_id AS id, count(*) AS n, effect, amount, cashier, device, method FROM journal
        WHERE seq BETWEEN ",
    first_row!("?1"),
    " AND ",
    last_row!("?1"),
    " AND business_date = ?1 AND effect IS NOT NULL AND effect <> 'voucher' GROUP BY payment_id)
    SELECT p.id FROM payment p LEFT JOIN entry e ON e.id = p.id
    WHERE p.id BETWEEN ",
    first_row!("?1"),
    " AND ",
    last_row!("?1"),
    " AND p.business_date = ?1 AND (p.counted <> coalesce(e.n, 0)
        OR (e.n = 1 AND (e.effect <> p.effect OR e.amount <> p.amount OR e.cashier <> p.cashier OR e.device <> p.device OR e.method <> p.method)))
    UNION
    SELECT e.id FROM entry e WHERE NOT EXISTS (SELECT 1 FROM payment p WHERE p.id = e.id AND p.business_date = ?1)
    ORDER BY 1 LIMIT 1000"
);

// Readers.

/// The LIMIT of the three statements that follow.
pub const PAYMENTS_LOOKED_AT: u32 = 20_000;

/// Newest first. Looks at no more than 20,000 payments a page: a rare filter gives a short page and a cursor, not a long wait.
pub const PAYMENTS: &str = "SELECT id, body, (?1 IS NULL OR device = ?1) AND (?2 IS NULL OR cashier = ?2) AND (?3 IS NULL OR state = ?3) AS fits
    FROM payment WHERE id < ?4 ORDER BY id DESC LIMIT 20000";
pub const PAYMENTS_OF_DAY: &str = concat!(
    "SELECT id, body, (?1 IS NULL OR device = ?1) AND (?2 IS NULL OR cashier = ?2) AND (?3 IS NULL OR state = ?3) AS fits
    FROM payment WHERE id BETWEEN ",
    first_row!("?5"),
    " AND min(?4 - 1, ",
    last_row!("?5"),
    ") AND business_date = ?5 ORDER BY id DESC LIMIT 20000"
);
/// Only for the states of the index `payment_open`, spelled so that SQLite sees that it may use it.
pub const PAYMENTS_OPEN: &str = "SELECT id, body, (?1 IS NULL OR device = ?1) AND (?2 IS NULL OR cashier = ?2) AS fits
    FROM payment WHERE state = ?3 AND state IN ('waiting', 'sent', 'unknown', 'stored', 'set_aside', 'rejected') AND id < ?4
    ORDER BY id DESC LIMIT 20000";

pub const STORY: &str = "SELECT seq, bytes FROM journal WHERE payment_id = ?1 ORDER BY seq LIMIT 1000";
pub const ROWS: &str = "SELECT seq, bytes, link FROM journal WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";
pub const LINK: &str = "SELECT link FROM journal WHERE seq = ?1";

pub const DAY: &str = "SELECT date, z, first, last, root, sealed, body FROM day WHERE date = ?1";
pub const DAY_BY_Z: &str = "SELECT date, z, first, last, root, sealed, body FROM day WHERE z = ?1";
pub const DAYS: &str =
    "SELECT date, z, first, last, root, sealed, body FROM day WHERE date < ?1 ORDER BY date DESC LIMIT ?2";
pub const SHIFT: &str = "SELECT shift, cashier, closed, body FROM shift WHERE shift = ?1";
pub const SHIFTS_OF_DAY: &str =
    "SELECT shift, cashier, closed, body FROM shift WHERE closed = ?1 ORDER BY shift LIMIT 1000";
pub const BATCH: &str = "SELECT terminal, batch, first, rung, body FROM batch WHERE terminal = ?1 AND batch = ?2 ORDER BY first DESC LIMIT 1";
pub const BATCHES: &str =
    "SELECT terminal, batch, first, rung, body FROM batch WHERE terminal = ?1 ORDER BY first DESC LIMIT ?2";
pub const BATCHES_OF_DAY: &str = concat!(
    "SELECT terminal, batch, first, rung, body FROM batch WHERE rowid IN (
        SELECT (SELECT b.rowid FROM batch b WHERE b.terminal = p.device AND b.batch = p.batch AND b.first <= p.batch_row ORDER BY b.first DESC LIMIT 1)
        FROM payment p WHERE p.id BETWEEN ",
    first_row!("?1"),
    " AND ",
    last_row!("?1"),
    " AND p.business_date = ?1 AND p.batch IS NOT NULL)
    ORDER BY terminal, first LIMIT 1000"
);

// Migration, folds and verification.

pub const ASKED_BATCHES: &str =
    "SELECT terminal, batch, first, rung FROM batch WHERE rung <> 'open' ORDER BY terminal, first";
pub const ALL_CARDS: &str = "SELECT payment_id, sealed FROM sealed_card ORDER BY payment_id";
pub const RAW_ROW: &str = "SELECT bytes, link FROM journal WHERE seq = ?1";
pub const FOLD: &str = "SELECT value FROM meta WHERE name = 'fold'";
pub const SET_FOLD: &str = "UPDATE meta SET value = CAST(?1 AS TEXT) WHERE name = 'fold'";
pub const PUT_BODY: &str = "UPDATE payment SET body = ?2 WHERE id = ?1";
pub const DROP_SNAPSHOTS: &str = "DELETE FROM snapshot";
pub const FOLDED_PAYMENTS: &str = "SELECT id, body FROM payment WHERE id > ?1 ORDER BY id LIMIT ?2";
pub const NEXT_ROWS: &str = "SELECT seq, bytes, link FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";

pub const MONEY: &str = "SELECT 'pending ' || state, count(*), coalesce(sum(amount), 0) FROM payment
        WHERE state IN ('waiting', 'sent', 'unknown', 'stored', 'set_aside') GROUP BY state
    UNION ALL
    SELECT business_date || ' ' || effect, count(*), sum(amount) FROM journal WHERE effect IS NOT NULL GROUP BY business_date, effect
    UNION ALL
    SELECT 'payments', count(*), coalesce(sum(amount), 0) FROM payment
    ORDER BY 1";
pub const OBJECTS: &str = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name";

pub const ALL_COLUMNS: &str = "SELECT seq, at, business_date, event, payment_id, effect, amount, cashier, device, method,
    sale_count, sale_amount, refund_count, refund_amount, void_count, void_amount, voucher_count, voucher_amount, bytes, link, hmac
    FROM journal WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq LIMIT 2048";
pub const HMACS: &str = "SELECT seq, link, hmac FROM journal WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq LIMIT 2048";
pub const ALL_PAYMENTS: &str =
    "SELECT id, request_id, kind, effect, method, device, cashier, business_date, amount, state, counted, slot,
    voucher_date, batch, stan, batch_row, row, body FROM payment WHERE id > ?1 ORDER BY id LIMIT 1024";
pub const WRITTEN_AT: &str = "SELECT row FROM payment WHERE id = ?1";
pub const SHIFT_CLOSED: &str = "SELECT closed FROM shift WHERE shift = ?1";
pub const HAS_PAYMENT: &str = "SELECT 1 FROM payment WHERE id = ?1";
pub const ROW_BYTES: &str = "SELECT bytes FROM journal WHERE seq = ?1";
pub const ENTRIES: &str = "SELECT effect, amount, business_date, cashier, device, method FROM journal WHERE payment_id = ?1 AND effect IS NOT NULL";
/// Cards whose batch has ended, apart from pre-authorizations, whose completion still needs them.
pub const CARDS_TOO_LONG: &str = "SELECT s.payment_id FROM sealed_card s JOIN payment p ON p.id = s.payment_id
    WHERE p.kind <> 'preauth' AND p.state NOT IN ('waiting', 'sent', 'unknown', 'stored', 'set_aside') AND p.batch IS NOT NULL
      AND (SELECT rung FROM batch b WHERE b.terminal = p.device AND b.batch = p.batch AND b.first <= p.batch_row ORDER BY b.first DESC LIMIT 1)
          IN ('ended', 'reconciled')
    ORDER BY 1 LIMIT 100";
pub const ALL_DAYS: &str =
    "SELECT date, z, first, last, root, sealed, body FROM day WHERE last > ?1 ORDER BY last LIMIT 64";
pub const ALL_SHIFTS: &str = "SELECT shift, cashier, closed, body FROM shift WHERE shift > ?1 ORDER BY shift LIMIT 256";
pub const ALL_BATCHES: &str =
    "SELECT terminal, batch, first, rung, body, rowid FROM batch WHERE rowid > ?1 ORDER BY rowid LIMIT 256";
pub const ALL_SNAPSHOTS: &str = "SELECT seq, body FROM snapshot WHERE seq > ?1 ORDER BY seq LIMIT 1";
