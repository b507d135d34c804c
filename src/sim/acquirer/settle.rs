//! Settlement: 0500 against the books, the uploads, the end, and the next batch.
//!
//! Between 0500 and its answered end nothing financial may come from that terminal; that is checked where payments are.

use super::books::{Entry, Key, Settlement, UploadedRow};
use super::dialect::Kind;
use super::faults::Fault;
use super::host::{Host, Request};
use super::judge::Rule;
use super::totals::{Half, Totals};
use crate::core::domain::{BatchNo, mask_pan};

impl Host {
    pub(super) fn settle(&mut self, request: &Request, fault: Option<Fault>) {
        let fingerprint = self.fingerprint(request);
        let (tid, batch) = (request.key.tid.clone(), request.key.batch);
        if let Some(known) = self.books.settlements.get(&(tid.clone(), batch)).cloned() {
            if known.key.stan != request.key.stan || known.fingerprint != fingerprint {
                let what = format!("batch {batch:06} was settled with STAN {:06}", known.key.stan);
                self.find(&request.key, Rule::SettledAgain, what);
                self.answer_settlement(request, known.claimed, [3, 3], &known, fault);
                return;
            }
            self.answer_settlement(request, known.claimed, known.verdicts, &known, fault);
            return;
        }
        self.check_reversal_owed(request, Rule::SettleBeforeReversal);
        let (claimed, digits) = Totals::read(request.text(48)).unwrap_or_default();
        if digits != [0, 0] {
            self.find(&request.key, Rule::BadValue, "the result digits of F48 in 0500 are not 0");
        }
        let own = self.books.totals(&tid, batch, false);
        let mut settlement = Settlement {
            key: request.key.clone(),
            at: self.now,
            claimed,
            own,
            verdicts: [3, 3],
            rrn: self.next_rrn(request.kind),
            settle_date: self.settle_date(),
            fingerprint,
            uploaded: Vec::new(),
            end: None,
        };
        let current = self.batch_of(&tid);
        if batch != current {
            let what = format!("60.2 is {batch:06}, the terminal's batch is {current:06}");
            self.find(&request.key, Rule::WrongBatch, what);
            self.answer_settlement(request, claimed, [3, 3], &settlement, fault);
            return;
        }
        self.check_totals(request, &claimed, &own);
        settlement.verdicts = self.verdicts_for(&tid, batch, own.judge(&claimed));
        self.book(Entry::Asked(Box::new(settlement.clone())));
        self.answer_settlement(request, claimed, settlement.verdicts, &settlement, fault);
    }

    /// What the terminal claims must lie between what it was answered and what the books hold beyond that (answers that were lost).
    fn check_totals(&mut self, request: &Request, claimed: &Totals, own: &Totals) {
        let answered = self.books.totals(&request.key.tid, request.key.batch, true);
        for (half, claimed, least, most) in [
            ("domestic", claimed.domestic, answered.domestic, own.domestic),
            ("foreign", claimed.foreign, answered.foreign, own.foreign),
        ] {
            if !between(&claimed, &least, &most) {
                let what = format!("{half}: claimed {claimed:?}, the books have {most:?}");
                self.find(&request.key, Rule::TotalsWrong, what);
            }
        }
    }

    fn verdicts_for(&self, tid: &str, batch: u32, own: [u8; 2]) -> [u8; 2] {
        let forced = self
            .verdicts
            .iter()
            .rev()
            .find(|rule| rule.tid.as_deref().is_none_or(|t| t == tid) && rule.batch.is_none_or(|b| b == batch));
        forced.map_or(own, |rule| [rule.domestic.unwrap_or(own[0]), rule.foreign.unwrap_or(own[1])])
    }

    fn answer_settlement(
        &mut self,
        request: &Request,
        claimed: Totals,
        verdicts: [u8; 2],
        settlement: &Settlement,
        fault: Option<Fault>,
    ) {
        let mut answer = self.answer(request, "00");
        answer.set_text(15, &settlement.settle_date).set_text(37, &settlement.rrn);
        answer.set_text(48, &claimed.write(verdicts)).set_text(63, "CUP");
        self.send(request, answer, fault);
    }

    pub(super) fn upload(&mut self, request: &Request, fault: Option<Fault>) {
        let (tid, batch) = (request.key.tid.clone(), request.key.batch);
        let open = self.books.settlements.get(&(tid, batch)).is_some_and(|s| s.end.is_none());
        if !open {
            self.find(&request.key, Rule::UploadWithoutSettlement, "no settlement of this batch waits for records");
            self.reply_code(request, "12", fault);
            return;
        }
        if !self.books.uploads.contains(&request.key) {
            self.check_chip_record(request);
            let Some(rows) = self.uploaded_rows(request) else {
                self.find(&request.key, Rule::BadValue, "F48 is not a count of up to 8 and as many rows of 40 digits");
                self.reply_code(request, "30", fault);
                return;
            };
            let shown = rows.into_iter().map(|(row, pan)| self.check_row(request, row, &pan)).collect();
            self.book(Entry::Uploaded { key: request.key.clone(), rows: shown });
        }
        self.reply_code(request, "00", fault);
    }

    /// The rows of a message with their card numbers: F48 of 201, else the single record that the message is.
    fn uploaded_rows(&self, request: &Request) -> Option<Vec<(UploadedRow, String)>> {
        if request.kind == Kind::Upload && request.message.has(48) {
            return rows_of(request.text(48));
        }
        let pan = request.text(2).to_owned();
        let original = self.books.payment(&request.key);
        let row = UploadedRow {
            stan: request.key.stan,
            foreign: original.is_some_and(|p| p.foreign),
            payer: mask_pan(&pan),
            amount: request.amount()?,
            failed: matches!(request.field60.management.as_str(), "204" | "206"),
        };
        Some(vec![(row, pan)])
    }

    /// A chip's record names the verdict and what became of the payment, and holds its objects.
    fn check_chip_record(&mut self, request: &Request) {
        let (balanced, failed) = match request.field60.management.as_str() {
            "203" if request.kind == Kind::Upload => (true, false),
            "204" if request.kind == Kind::Upload => (true, true),
            "205" if request.kind == Kind::Upload => (false, false),
            "206" if request.kind == Kind::Upload => (false, true),
            _ => return,
        };
        let settlement = self.books.settlements.get(&(request.key.tid.clone(), request.key.batch));
        let verdict = settlement.map(super::books::Settlement::balanced);
        let known = self.books.payment(&request.key).map(|payment| !payment.in_force());
        if verdict != Some(balanced) || known != Some(failed) || !request.message.has(55) || !request.message.has(2) {
            let what = format!(
                "60.3 is {}; balanced {verdict:?}, without effect {known:?}, F55 {}, F2 {}",
                request.field60.management,
                request.message.has(55),
                request.message.has(2)
            );
            self.find(&request.key, Rule::UploadDiffers, what);
        }
    }

    /// Compares a row with the books. A row that the books do not have in force is a difference, and no finding.
    fn check_row(&mut self, request: &Request, row: UploadedRow, pan: &str) -> UploadedRow {
        let name = Key { stan: row.stan, ..request.key.clone() };
        let Some(known) = self.books.payment(&name).filter(|p| p.in_force()).cloned() else { return row };
        let scanned = known.kind == Kind::ScanSale || pan.is_empty();
        let card = scanned || self.token_of(pan) == known.token;
        if row.amount != known.effective_amount() || row.foreign != known.foreign || !card {
            let what = format!(
                "STAN {:06}: {} {}, the books have {} {}",
                row.stan, row.payer, row.amount, known.payer, known.amount
            );
            self.find(&request.key, Rule::UploadDiffers, what);
        }
        row
    }

    pub(super) fn end(&mut self, request: &Request, fault: Option<Fault>) {
        let (tid, batch) = (request.key.tid.clone(), request.key.batch);
        let Some(settlement) = self.books.settlements.get(&(tid, batch)).cloned() else {
            self.find(&request.key, Rule::EndWithoutSettlement, format!("batch {batch:06} was never settled"));
            self.reply_code(request, "12", fault);
            return;
        };
        if let Some(stan) = settlement.end {
            if stan != request.key.stan {
                self.find(
                    &request.key,
                    Rule::EndWithoutSettlement,
                    format!("batch {batch:06} ended with STAN {stan:06}"),
                );
            }
            self.reply_code(request, "00", fault);
            return;
        }
        let balanced = request.field60.management == "207";
        if balanced != settlement.balanced() {
            let what = format!("60.3 is {}, the verdict was {:?}", request.field60.management, settlement.verdicts);
            self.find(&request.key, Rule::WrongEnd, what);
        }
        let uploaded = settlement.uploaded.len();
        if request.text(48).parse() != Ok(uploaded) {
            let what = format!("F48 is {}, {uploaded} records came", request.text(48));
            self.find(&request.key, Rule::EndCount, what);
        }
        if let Some(what) = incomplete(&settlement) {
            self.find(&request.key, Rule::UploadIncomplete, what);
        }
        let next = BatchNo(batch).next().0;
        self.book(Entry::Ended { key: request.key.clone(), next });
        self.reply_code(request, "00", fault);
    }
}

/// Each of the four numbers lies between the two.
fn between(claimed: &Half, least: &Half, most: &Half) -> bool {
    (least.debit..=most.debit).contains(&claimed.debit)
        && (least.debit_count..=most.debit_count).contains(&claimed.debit_count)
        && (least.credit..=most.credit).contains(&claimed.credit)
        && (least.credit_count..=most.credit_count).contains(&claimed.credit_count)
}

/// What is missing of the records that the halves which are not 1 claim. Where a half is in error, some terminals upload both.
fn incomplete(settlement: &Settlement) -> Option<String> {
    if settlement.balanced() {
        return None;
    }
    let halves = [settlement.claimed.domestic, settlement.claimed.foreign];
    let sum = |which: [bool; 2]| {
        let chosen = halves.iter().zip(which).filter(|(_, chosen)| *chosen);
        chosen.fold((0u32, 0i64), |(count, sum), (half, _)| {
            (count.saturating_add(half.records()), sum.saturating_add(half.gross()))
        })
    };
    let due = sum(settlement.verdicts.map(|verdict| verdict != 1));
    let counted = || settlement.uploaded.iter().filter(|row| !row.failed);
    let amount = counted().fold(0i64, |sum, row| sum.saturating_add(row.amount));
    let came = (u32::try_from(counted().count()).unwrap_or(u32::MAX), amount);
    let all_on_error = settlement.verdicts.contains(&3) && came == sum([true, true]);
    let complete = came == due || all_on_error;
    (!complete).then(|| format!("{} records of {} came, {} are claimed of {}", came.0, came.1, due.0, due.1))
}

/// n2 count, then rows of [type 2, STAN 6, PAN 20 left-filled with zeros, amount 12].
fn rows_of(text: &str) -> Option<Vec<(UploadedRow, String)>> {
    let count: usize = text.get(..2)?.parse().ok()?;
    let rows = text.get(2..)?;
    if !(1..=8).contains(&count) || rows.len() != count * 40 {
        return None;
    }
    (0..count).map(|n| row_of(rows.get(n * 40..(n + 1) * 40)?)).collect()
}

fn row_of(text: &str) -> Option<(UploadedRow, String)> {
    let foreign = match text.get(..2)? {
        "00" => false,
        "01" => true,
        _ => return None,
    };
    let pan = text.get(8..28)?.trim_start_matches('0').to_owned();
    let (stan, amount) = (text.get(2..8)?.parse().ok()?, text.get(28..)?.parse().ok()?);
    Some((UploadedRow { stan, foreign, payer: mask_pan(&pan), amount, failed: false }, pan))
}
