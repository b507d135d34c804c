//! The journal: numbers, links, canonical bytes, typed columns, running totals, days and their seals, the open day's HMACs.

use std::collections::BTreeMap;

use ring::signature::{ED25519, UnparsedPublicKey};
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use super::super::archive::{self, blob, text};
use super::super::convert::{bytes32, event_word, int, running, unsigned};
use super::super::error::{damaged, plain};
use super::super::reader::Reader;
use super::super::statements as sql;
use super::{EachRow, Verified, VerifyWith, row as place};
use crate::core::domain::{BusinessDate, ExceptionNo, PaymentId, Seq, StoreId, TerminalId, ZNumber};
use crate::core::journal::{Columns, Event, GENESIS, Link, Record, link, seal_message};
use crate::core::ports::{DayRow, Recount, StoreError};

/// What is carried from row to row.
struct Walk {
    expected: u64,
    /// The link of the row before; `None` where that row is missing or does not read.
    before: Option<Link>,
    store: Option<StoreId>,
    /// Public key that was announced for the day that is being read.
    key: Option<Vec<u8>>,
    day: Option<Day>,
    /// The payment of each terminal's message under way, as the writer puts it into the column.
    flights: BTreeMap<TerminalId, Option<PaymentId>>,
    exceptions: BTreeMap<ExceptionNo, Option<PaymentId>>,
    /// Days that were sealed in this chunk: to be compared with the archive once its statement is done.
    sealed: Vec<Sealed>,
}

struct Day {
    date: BusinessDate,
    first: u64,
    /// `None` after a row that does not read.
    totals: Option<Columns>,
    cut: Option<(ZNumber, BusinessDate)>,
}

struct Sealed {
    date: BusinessDate,
    z: u32,
    first: u64,
    last: u64,
    root: Link,
    totals: Option<Columns>,
}

/// Walks the whole journal, or only what came after the last day that was cut.
pub(super) fn walk(
    reader: &Reader,
    with: &mut VerifyWith<'_>,
    open_day_only: bool,
    found: &mut Verified,
) -> Result<(), StoreError> {
    let Some((head, _)) = found.head else { return Ok(()) };
    let mut walk = Walk::from_genesis();
    if open_day_only && let Some(last) = reader.days(None, 1)?.pop() {
        walk = Walk::after(reader, &last, found)?;
    }
    while walk.expected <= head.0 {
        let more = reader.with(|conn| {
            let more = walk.chunk(conn, head, &mut with.each, found)?;
            for day in std::mem::take(&mut walk.sealed) {
                archived(conn, &day, found)?;
            }
            Ok(more)
        })?;
        if !more {
            break;
        }
        if let Some(between) = &mut with.between
            && between(Seq(walk.expected - 1)).is_break()
        {
            found.incomplete = true;
            return Ok(());
        }
    }
    if let Some(day) = &walk.day {
        open_day(reader, day.first, head, with, &walk, found)?;
    }
    reader.with(|conn| snapshot(conn, |conn| open_totals(conn, found)))
}

/// Runs several reads on one state of the store.
pub(super) fn snapshot<T>(
    conn: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    conn.execute_batch("BEGIN").map_err(plain)?;
    let result = read(conn);
    let ended = conn.execute_batch("ROLLBACK").map_err(plain);
    result.and_then(|value| ended.map(|()| value))
}

impl Walk {
    fn from_genesis() -> Walk {
        Walk {
            expected: 1,
            before: Some(GENESIS),
            store: None,
            key: None,
            day: None,
            flights: BTreeMap::new(),
            exceptions: BTreeMap::new(),
            sealed: Vec::new(),
        }
    }

    /// Begins behind a day that was cut: its root must be the link of its last row, and the row that follows must seal it.
    fn after(reader: &Reader, day: &DayRow, found: &mut Verified) -> Result<Walk, StoreError> {
        let at = format!("day {}", day.date);
        if reader.link_at(day.last)? != Some(day.root) {
            found.find(&at, "its root in the archive is not the link of its last row");
        }
        let mut walk = Walk { expected: day.last.0 + 1, before: Some(day.root), ..Walk::from_genesis() };
        let (mut cut, mut key) = (None, None);
        let mut note = |record: Record, _| {
            match record.event {
                Event::StoreOpened { store, day_key, .. } => (walk.store, key) = (Some(store), Some(day_key)),
                Event::DaySealed { next_key, .. } => key = Some(next_key),
                Event::DayCut { z, next, .. } => cut = Some((z, next)),
                _ => {}
            }
            Ok(())
        };
        for seq in [Seq(1), day.first, day.last] {
            reader.records(seq, seq, &mut note)?;
        }
        walk.key = key;
        walk.day = Some(Day { date: day.date, first: day.first.0, totals: None, cut });
        Ok(walk)
    }

    /// Reads on from where it is; whether there may be more.
    fn chunk(
        &mut self,
        conn: &Connection,
        head: Seq,
        each: &mut Option<&mut EachRow<'_>>,
        found: &mut Verified,
    ) -> Result<bool, StoreError> {
        let mut stmt = conn.prepare_cached(sql::ALL_COLUMNS).map_err(plain)?;
        let mut shift_closed = conn.prepare_cached(sql::SHIFT_CLOSED).map_err(plain)?;
        let mut has_payment = conn.prepare_cached(sql::HAS_PAYMENT).map_err(plain)?;
        let mut rows = stmt.query(params![int(self.expected)?, int(head.0)?]).map_err(plain)?;
        let mut any = false;
        while let Some(row) = rows.next().map_err(plain)? {
            any = true;
            let seq = unsigned(row.get(0).map_err(plain)?, "a row's number")?;
            if seq != self.expected {
                found.find(place(self.expected), missing(self.expected, seq.saturating_sub(1)));
                self.before = None;
                self.lose_the_thread();
            }
            self.expected = seq.saturating_add(1);
            found.rows += 1;
            let Some((record, link)) = self.row(row, seq, found)? else {
                self.lose_the_thread();
                continue;
            };
            if matches!(record.event, Event::PaymentMade(_)) && !has_payment.exists([int(seq)?]).map_err(plain)? {
                found.find(super::payment(seq), "the journal has it, the table of payments does not");
            }
            if let Event::ShiftClosed { shift, .. } = &record.event {
                let closed: Option<String> =
                    shift_closed.query_row([shift.0], |r| r.get(0)).optional().map_err(plain)?;
                if closed != Some(record.date.to_string()) {
                    found.find(
                        format!("shift {}", shift.0),
                        format!("the journal closed it on {}, the archive says {closed:?}", record.date),
                    );
                }
            }
            if let Some(what) = each.as_mut().and_then(|each| each(&record, &link)) {
                found.find(place(seq), what);
            }
        }
        if !any && self.expected <= head.0 {
            found.find(place(self.expected), missing(self.expected, head.0));
        }
        Ok(any)
    }

    /// After a row that is missing or does not read, what follows from it is not complained about again.
    fn lose_the_thread(&mut self) {
        if let Some(day) = &mut self.day {
            day.totals = None;
        }
        self.flights.clear();
        self.exceptions.clear();
    }

    fn row(&mut self, row: &SqlRow<'_>, seq: u64, found: &mut Verified) -> Result<Option<(Record, Link)>, StoreError> {
        let bytes = blob(row, 18)?;
        let stored = bytes32(blob(row, 19)?, &format!("row {seq}'s link"))?;
        let before = self.before.replace(stored);
        if before.is_some_and(|before| link(&before, bytes) != stored) {
            found.find(
                place(seq),
                "its link does not follow from the row before and its bytes: one of them was changed",
            );
        }
        let record = match Record::from_bytes(bytes) {
            Ok(record) if record.seq.0 == seq => record,
            Ok(record) => {
                found.find(place(seq), format!("its bytes are those of row {}", record.seq));
                return Ok(None);
            }
            Err(e) => {
                found.find(place(seq), e.to_string());
                return Ok(None);
            }
        };
        self.columns(row, &record, found)?;
        self.follow(&record, before, found);
        Ok(Some((record, stored)))
    }

    /// The typed columns say what the bytes say.
    fn columns(&mut self, row: &SqlRow<'_>, record: &Record, found: &mut Verified) -> Result<(), StoreError> {
        let seq = record.seq.0;
        let mut same = |column: &str, equal: bool| {
            if !equal {
                found.find(place(seq), format!("its column {column} is not what its bytes say"));
            }
        };
        let effect = record.effect.as_ref();
        let optional = |index: usize| -> Result<Option<&str>, StoreError> {
            let value = row.get_ref(index).map_err(plain)?;
            value.as_str_or_null().map_err(|e| damaged(format!("row {seq}, column {index}: {e}")))
        };
        same("at", row.get::<_, i64>(1).map_err(plain)? == record.at.0);
        same("business_date", text(row, 2)? == record.date.to_string());
        same("event", text(row, 3)? == event_word(&record.event));
        same("effect", optional(5)? == effect.map(|e| e.column.as_str()));
        same("amount", row.get::<_, Option<i64>>(6).map_err(plain)? == effect.map(|e| e.amount.0));
        same("cashier", optional(7)? == effect.map(|e| e.cashier.as_str()));
        same("device", optional(8)? == effect.map(|e| e.device.as_str()));
        same("method", optional(9)? == effect.map(|e| e.method.as_str()));
        for (index, value) in running(&record.running)?.into_iter().enumerate() {
            same("of running totals", row.get::<_, i64>(10 + index).map_err(plain)? == value);
        }
        if let Some(about) = self.about(record) {
            let about = about.or(effect.map(|e| e.payment)).map(|id| int(id.0)).transpose()?;
            same("payment_id", row.get::<_, Option<i64>>(4).map_err(plain)? == about);
        }
        Ok(())
    }

    /// The payment that a row is about, by its own bytes and the rows before; `None` where the rows before are not known.
    fn about(&mut self, record: &Record) -> Option<Option<PaymentId>> {
        match &record.event {
            Event::PaymentMade(_) => Some(Some(PaymentId(record.seq.0))),
            Event::PaymentStored { payment }
            | Event::PaymentCancelled { payment, .. }
            | Event::PaymentSetAside { payment, .. }
            | Event::ReversalOwed { payment, .. }
            | Event::ReversalGivenUp { payment }
            | Event::LateAnswer { payment, .. }
            | Event::PaymentClassed { payment, .. }
            | Event::CouponTaken { payment, .. }
            | Event::TransferNamed { payment, .. }
            | Event::TransferMoved { payment, .. }
            | Event::TransferAnswered { payment, .. }
            | Event::RecordSkipped { payment, .. } => Some(Some(*payment)),
            Event::RouteOpened { refund, .. } => Some(Some(*refund)),
            Event::Stray { payment, .. } => Some(*payment),
            Event::Sending { terminal, subject, .. } => {
                let first = subject.payments().first().copied();
                self.flights.insert(terminal.clone(), first);
                Some(first)
            }
            Event::NotSent { terminal, .. } | Event::NoAnswer { terminal, .. } | Event::Answered { terminal, .. } => {
                self.flights.remove(terminal)
            }
            Event::ExceptionOpened { exception, payment, .. } => {
                self.exceptions.insert(*exception, *payment);
                Some(*payment)
            }
            Event::ExceptionResolved { exception, .. } => self.exceptions.remove(exception),
            Event::CaseOpened { finding, .. } => Some(finding.payment),
            Event::CaseMoved { payment, .. } => Some(*payment),
            _ => Some(None),
        }
    }

    /// Days, running totals and seals.
    fn follow(&mut self, record: &Record, before: Option<Link>, found: &mut Verified) {
        let seq = record.seq.0;
        match &record.event {
            Event::StoreOpened { store, day_key, .. } => {
                if seq != 1 {
                    found.find(place(seq), "a store is opened by its first row, and only by that");
                }
                (self.store, self.key) = (Some(store.clone()), Some(day_key.clone()));
            }
            _ if seq == 1 => found.find(place(1), "the first row does not open a store"),
            Event::DaySealed { .. } => self.seal(record, before, found),
            _ => {}
        }
        let fresh = Day { date: record.date, first: seq, totals: Some(Columns::default()), cut: None };
        let day = self.day.get_or_insert(fresh);
        if day.date != record.date {
            found.find(place(seq), format!("it is of {}, and {} was not closed before it", record.date, day.date));
            *day = Day { date: record.date, first: seq, totals: None, cut: None };
        }
        let expected = day.totals.and_then(|totals| match &record.effect {
            Some(effect) => totals.with(effect.column, effect.amount),
            None => Some(totals),
        });
        if day.totals.is_some() && expected != Some(record.running) {
            found.find(place(seq), "its running totals do not follow from the row before and its own effect");
        }
        day.totals = Some(record.running);
        if let Event::DayCut { z, next, first, .. } = &record.event {
            if first.0 != day.first {
                found.find(
                    place(seq),
                    format!("it says that the day began with row {first}; it began with {}", day.first),
                );
            }
            day.cut = Some((*z, *next));
        }
    }

    /// A day's seal: it follows the cut, names its root, and is signed with the key announced before.
    fn seal(&mut self, record: &Record, before: Option<Link>, found: &mut Verified) {
        let Event::DaySealed { date, z, root, signature, next_key } = &record.event else { return };
        let seq = record.seq.0;
        found.days += 1;
        let closed = self.day.take();
        match &closed {
            Some(day) if day.date == *date && day.cut == Some((*z, record.date)) => {}
            _ => found.find(place(seq), format!("it seals {date} as Z {}, which is not what was cut before it", z.0)),
        }
        if before.is_some_and(|before| before != *root) {
            found.find(place(seq), format!("the root it seals {date} with is not the link of the day's last row"));
        }
        if let (Some(store), Some(key)) = (&self.store, &self.key) {
            let message = seal_message(store.as_str(), &date.to_string(), z.0, root, next_key);
            if UnparsedPublicKey::new(&ED25519, key).verify(&message, signature).is_err() {
                found.find(
                    place(seq),
                    format!("the signature of {date} is not by the key that was announced for that day"),
                );
            }
        }
        self.key = Some(next_key.clone());
        if let Some(day) = closed {
            self.sealed.push(Sealed {
                date: *date,
                z: z.0,
                first: day.first,
                last: seq - 1,
                root: *root,
                totals: day.totals,
            });
        }
    }
}

fn missing(from: u64, to: u64) -> String {
    if from == to { "it is missing".into() } else { format!("rows {from} to {to} are missing") }
}

/// The archive has the day as the journal sealed it, and its rows add up to what the last of them says.
fn archived(conn: &Connection, day: &Sealed, found: &mut Verified) -> Result<(), StoreError> {
    let at = format!("day {}", day.date);
    match archive::collect(conn, sql::DAY, [day.date.to_string()], archive::archived_day) {
        Ok(rows) => match rows.first() {
            Some(DayRow { z, first, last, root, .. })
                if (*z, first.0, last.0, root) == (day.z, day.first, day.last, &day.root) => {}
            Some(_) => found.find(&at, "its number, rows or root in the archive are not those of the journal"),
            None => found.find(&at, "the journal closed it, the archive does not have it"),
        },
        Err(e) => found.find(&at, e.to_string()),
    }
    if let Some(totals) = &day.totals {
        foots(&archive::recount(conn, day.date)?, totals, &at, found);
    }
    Ok(())
}

/// The open day adds up too.
fn open_totals(conn: &Connection, found: &mut Verified) -> Result<(), StoreError> {
    let Some((head, _)) = archive::head(conn)? else { return Ok(()) };
    let mut stmt = conn.prepare_cached(sql::ROW_BYTES).map_err(plain)?;
    let bytes: Option<Vec<u8>> = stmt.query_row([int(head.0)?], |r| r.get(0)).optional().map_err(plain)?;
    // A last row that does not read was complained about already.
    let Some(Ok(record)) = bytes.map(|b| Record::from_bytes(&b)) else { return Ok(()) };
    let at = format!("day {}", record.date);
    foots(&archive::recount(conn, record.date)?, &record.running, &at, found);
    Ok(())
}

fn foots(recount: &Recount, totals: &Columns, at: &str, found: &mut Verified) {
    let sum = |groups: &[(String, Columns)]| groups.iter().try_fold(Columns::default(), |sum, (_, c)| sum.plus(c));
    let mut without_vouchers = *totals;
    without_vouchers.vouchers = Default::default();
    for (name, groups, expected) in [
        ("cashier", &recount.by_cashier, totals),
        ("device", &recount.by_device, totals),
        ("method", &recount.by_method, totals),
        ("line of the bridge", &recount.by_slot, &without_vouchers),
    ] {
        if sum(groups) != Some(*expected) {
            found.find(at, format!("its rows by {name} do not add up to the running totals"));
        }
    }
}

/// The open day's HMACs, under the vault's key; and that this key is the one that the journal announced.
fn open_day(
    reader: &Reader,
    first: u64,
    head: Seq,
    with: &mut VerifyWith<'_>,
    walk: &Walk,
    found: &mut Verified,
) -> Result<(), StoreError> {
    let Some(sealer) = &mut with.sealer else { return Ok(()) };
    if walk.key.as_ref().is_some_and(|key| *key != sealer.day_key()) {
        found.find(
            "the open day's key",
            "it is not the one that the journal announced: an older copy was put back, or it was changed",
        );
        return Ok(());
    }
    let mut next = first;
    while next <= head.0 {
        let last = reader.with(|conn| {
            let mut stmt = conn.prepare_cached(sql::HMACS).map_err(plain)?;
            let mut rows = stmt.query(params![int(next)?, int(head.0)?]).map_err(plain)?;
            let mut last = None;
            while let Some(row) = rows.next().map_err(plain)? {
                let seq = unsigned(row.get(0).map_err(plain)?, "a row's number")?;
                let link = bytes32(blob(row, 1)?, "a link")?;
                if sealer.seal_link(&link) != blob(row, 2)? {
                    found.find(
                        place(seq),
                        "its HMAC is not by the open day's key: the row was not written by this till",
                    );
                }
                last = Some(seq);
            }
            Ok(last)
        })?;
        match last {
            Some(last) => next = last + 1,
            None => break,
        }
    }
    Ok(())
}
