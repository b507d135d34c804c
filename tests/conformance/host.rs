//! The lane against the simulated host, which reads the facts by itself and shares only the codec: a day with every message of the set, on
//! virtual time. The host's judgement must find nothing, and its books must say what the lane was told.

use std::sync::Arc;

use tilld::core::acquirer::iso8583::Deframer;
use tilld::core::acquirer::{
    Answer, AnswerClass, HostHalf, HostTotals, Instrument, Lane, LaneInput, LaneOutput, LaneTimes, MessageName, Order,
    OriginalRef, Outgoing, PaymentMessage, Profile, Report, ReversalReason, UploadRow, Verdict,
};
use tilld::core::domain::{BatchNo, Entry, Minor, MonoMs, Pan, Stan, WallMs};
use tilld::core::ports::TerminalKeys;
use tilld::io::vault::SoftKeys;
use tilld::sim::acquirer::keys::Key;
use tilld::sim::acquirer::{Action, Fault, Host, HostConfig, LAYOUT, TerminalConfig};

use crate::messages::{MASTER, PAN, card, code, identity, key, payment, stripe};

struct Day {
    lane: Lane,
    keys: SoftKeys,
    host: Host,
    now: u64,
    stan: u32,
    batch: u32,
    reports: Vec<Report>,
}

impl Day {
    fn begin() -> Day {
        let master_key = Key::from_hex(MASTER).unwrap();
        let terminal = TerminalConfig { master_key, mid: Some("123456789012345".into()) };
        let config =
            HostConfig { terminals: [("12345678".to_owned(), terminal)].into(), seed: 1, ..HostConfig::default() };
        let profile = Arc::new(Profile::builtin("unionpay-pos").unwrap());
        let mut day = Day {
            lane: Lane::new(profile, identity(), LaneTimes::default(), 1),
            keys: SoftKeys::new(key(MASTER).try_into().unwrap()),
            host: Host::new(config, &[], WallMs(1_795_000_000_000)),
            now: 0,
            stan: 0,
            batch: 1,
            reports: vec![],
        };
        day.step(LaneInput::Tick);
        day.step(LaneInput::Connected);
        assert!(day.lane.is_up());
        day
    }

    fn step(&mut self, input: LaneInput<'_>) {
        for output in self.lane.step(MonoMs(self.now), input, &mut self.keys) {
            match output {
                LaneOutput::Write(wire) => self.host_reads(&wire),
                LaneOutput::Report(report) => self.reports.push(report),
                LaneOutput::Note(note) => panic!("{note}"),
                _ => {}
            }
        }
    }

    fn host_reads(&mut self, wire: &[u8]) {
        let mut deframer = Deframer::new(LAYOUT);
        deframer.push(wire);
        let frame = deframer.next_frame().unwrap().unwrap();
        for action in self.host.handle(WallMs(1_795_000_000_000), &frame) {
            if let Action::Reply { bytes, .. } = action {
                self.step(LaneInput::Bytes(&bytes));
            }
        }
    }

    /// Under the next STAN; what is reported of it.
    fn say(&mut self, message: Outgoing) -> (Stan, Report) {
        self.stan += 1;
        let stan = Stan(self.stan);
        (stan, self.say_as(stan, message))
    }

    fn say_as(&mut self, stan: Stan, message: Outgoing) -> Report {
        self.now += 1_000;
        self.reports.clear();
        self.step(LaneInput::Order(Box::new(Order { stan, batch: BatchNo(self.batch), message })));
        if self.lane.busy() {
            self.now += 60_000;
            self.step(LaneInput::Tick);
        }
        assert!(self.host.judgement().findings.is_empty(), "{:#?}", self.host.judgement().findings);
        self.reports.pop().unwrap()
    }

    /// Said, and approved.
    fn done(&mut self, message: Outgoing) -> (Stan, Answer) {
        let (stan, report) = self.say(message);
        (stan, approved(report))
    }

    fn pay(&mut self, message: PaymentMessage) -> OriginalRef {
        let (stan, answer) = self.done(Outgoing::Payment(Box::new(message)));
        OriginalRef {
            batch: BatchNo(self.batch),
            stan,
            date: answer.host_date,
            rrn: answer.rrn,
            approval_code: answer.approval_code,
            organisation: answer.organisation,
        }
    }

    fn refer(
        &mut self,
        name: MessageName,
        entry: Entry,
        instrument: Option<Instrument>,
        original: &OriginalRef,
    ) -> OriginalRef {
        self.pay(PaymentMessage { original: Some(original.clone()), ..payment(name, entry, instrument) })
    }

    /// The host's own totals, as our claim.
    fn totals(&self) -> HostTotals {
        let own = self.host.books().totals("12345678", self.batch, false);
        let half = |half: tilld::sim::acquirer::totals::Half| HostHalf {
            debit: Minor(half.debit),
            debit_count: half.debit_count,
            credit: Minor(half.credit),
            credit_count: half.credit_count,
        };
        HostTotals { domestic: half(own.domestic), foreign: half(own.foreign) }
    }
}

fn approved(report: Report) -> Answer {
    match report {
        Report::Answered { answer, .. } if answer.class == AnswerClass::Approved && answer.doubt.is_none() => *answer,
        other => panic!("{other:?}"),
    }
}

fn foreign_card() -> Option<Instrument> {
    Some(Instrument::Card { pan: Pan::new("4111111111111111".into()), expiry: Some("3012".into()) })
}

#[test]
fn a_day_of_every_message_finds_nothing_and_settles_balanced() {
    use Entry::{Magstripe, Manual, Scan};
    use MessageName::*;
    let mut day = Day::begin();
    let (_, answer) = day.done(Outgoing::SignOn);
    assert_eq!(answer.batch, Some(BatchNo(1)));
    assert!(day.keys.ready());

    let sale = day.pay(payment(Sale, Magstripe, stripe()));
    assert_eq!(sale.organisation.as_deref(), Some("CUP"));
    day.pay(payment(Sale, Manual, foreign_card()));
    day.pay(payment(ScanSale, Scan, code()));
    day.pay(payment(Balance, Magstripe, stripe()));
    day.refer(Void, Magstripe, card(), &sale);
    let sold = day.pay(payment(Sale, Magstripe, stripe()));
    day.refer(Refund, Magstripe, card(), &sold);

    let held = day.pay(payment(Preauth, Magstripe, stripe()));
    day.refer(PreauthVoid, Magstripe, card(), &held);
    let held = day.pay(payment(Preauth, Magstripe, stripe()));
    let completed = day.refer(Completion, Magstripe, card(), &held);
    day.refer(CompletionVoid, Magstripe, card(), &completed);
    let held = day.pay(payment(Preauth, Magstripe, stripe()));
    day.refer(CompletionAdvice, Magstripe, card(), &held);

    day.pay(payment(OfflineSale, Magstripe, card()));
    day.pay(PaymentMessage { approval_code: Some("AB12CD".into()), ..payment(OfflineSale, Manual, card()) });

    let (_, answer) = day.done(Outgoing::Settle(day.totals()));
    assert!(answer.verdict.unwrap().balanced(), "{answer:?}");
    let (_, answer) = day.done(Outgoing::End { balanced: true, records: 0, totals: HostTotals::default() });
    assert!(answer.verdict.is_none());
    day.done(Outgoing::SignOff);
    let judgement = day.host.judgement();
    assert_eq!((judgement.findings.len(), judgement.duplicates, judgement.owed.len()), (0, 0, 0));
    assert!(judgement.settlements[0].ended);
}

#[test]
fn what_is_not_answered_is_reversed_and_counts_nowhere() {
    let mut day = Day::begin();
    day.done(Outgoing::SignOn);
    for (name, entry, instrument, sealed) in [
        (MessageName::Sale, Entry::Magstripe, stripe(), card()),
        (MessageName::Sale, Entry::Manual, card(), card()),
        (MessageName::ScanSale, Entry::Scan, code(), code()),
        (MessageName::Preauth, Entry::Magstripe, stripe(), card()),
    ] {
        day.host.next_answer(Fault::DropAnswer);
        let (stan, report) = day.say(Outgoing::Payment(Box::new(payment(name, entry, instrument))));
        assert_eq!(report, Report::NoAnswer { stan }, "{name:?}");
        let undo = Outgoing::Reversal(Box::new(payment(name, entry, sealed)), ReversalReason::NoAnswer);
        approved(day.say_as(stan, undo.clone()));
        // again, as after a lost 0410: the same message, the same end
        approved(day.say_as(stan, undo));
    }
    assert_eq!(day.totals(), HostTotals::default());
    assert_eq!(day.host.judgement().reversed, 4);
}

#[test]
fn an_unbalanced_batch_goes_up_and_ends() {
    use tilld::sim::acquirer::config::ForcedVerdict;
    let mut day = Day::begin();
    day.done(Outgoing::SignOn);
    let sale = day.pay(payment(MessageName::Sale, Entry::Magstripe, stripe()));
    let void = day.refer(MessageName::Void, Entry::Magstripe, card(), &sale);
    let sold = day.pay(payment(MessageName::Sale, Entry::Manual, card()));
    let mut refund =
        PaymentMessage { original: Some(sold.clone()), ..payment(MessageName::Refund, Entry::Magstripe, card()) };
    refund.amount = Minor(100);
    let refunded = day.pay(refund.clone());
    let stored = day.pay(payment(MessageName::OfflineSale, Entry::Magstripe, card()));

    day.host.force_verdict(ForcedVerdict { tid: None, batch: None, domestic: Some(2), foreign: None });
    let (_, answer) = day.done(Outgoing::Settle(day.totals()));
    assert_eq!(answer.verdict.map(|v| (v.domestic, v.foreign)), Some((Verdict::Unbalanced, Verdict::Balanced)));

    let row = |of: &OriginalRef| UploadRow {
        foreign: false,
        stan: of.stan,
        pan: Some(Pan::new(PAN.into())),
        amount: Minor(12_345),
    };
    day.done(Outgoing::Upload(vec![row(&sale), row(&void), row(&sold)]));
    // a record of its own goes up under its own STAN
    approved(day.say_as(refunded.stan, Outgoing::UploadOne(Box::new(refund))));
    let offline = payment(MessageName::OfflineSale, Entry::Magstripe, card());
    approved(day.say_as(stored.stan, Outgoing::UploadOne(Box::new(offline))));
    day.done(Outgoing::End { balanced: false, records: 5, totals: HostTotals::default() });
    assert!(day.host.judgement().settlements[0].ended);

    day.batch = 2;
    day.pay(payment(MessageName::Sale, Entry::Magstripe, stripe()));
}
