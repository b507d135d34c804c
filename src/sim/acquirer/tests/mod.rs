//! A terminal made by hand, and the host driven by it: through the codec only, never through the daemon's own composing.

#![allow(clippy::unwrap_used, clippy::panic)]

mod faults;
mod findings;
mod payments;
mod restart;
mod settlement;
mod tcp;

use super::books::Entry;
use super::dialect::Kind;
use super::host::{Action, Host, Session};
use super::keys::{Key, WorkKeys, hex_upper};
use super::totals::Totals;
use super::{HostConfig, Rule, Scenario, TerminalConfig};
use crate::core::acquirer::iso8583::{Deframer, Frame, Message, Mti, Spec};
use crate::core::domain::WallMs;

pub const TID: &str = "12345678";
pub const MID: &str = "123456789012345";
pub const MASTER: &str = "11111111111111112222222222222222";
pub const CUP: &str = "6222021234567890128";
pub const VISA: &str = "4111111111111111";
/// 2026-11-20 12:00:00 in Shanghai.
pub const NOON: WallMs = WallMs(1_795_147_200_000);

pub fn config(scenario: &str) -> HostConfig {
    let terminal = TerminalConfig { master_key: Key::from_hex(MASTER).unwrap(), mid: None };
    HostConfig {
        terminals: [(TID.to_owned(), terminal)].into(),
        any_terminal: None,
        seed: 42,
        utc_offset_s: 28_800,
        scenario: Scenario::parse(scenario).unwrap(),
    }
}

/// A host, and everything that it booked.
pub struct Rig {
    pub host: Host,
    pub session: Session,
    pub booked: Vec<Entry>,
    pub now: WallMs,
}

impl Rig {
    pub fn new(scenario: &str) -> Rig {
        Rig { host: Host::new(config(scenario), &[], NOON), session: Session::default(), booked: vec![], now: NOON }
    }

    /// Killed, and started again from what was booked.
    pub fn restart(&mut self, scenario: &str) {
        self.host = Host::new(config(scenario), &self.booked, self.now);
        self.session = Session::default();
    }

    pub fn push(&mut self, bytes: &[u8]) -> Vec<Action> {
        let actions = self.session.bytes(&mut self.host, self.now, bytes);
        for action in &actions {
            if let Action::Book(entry) = action {
                self.booked.push(entry.clone());
            }
        }
        actions.into_iter().filter(|action| !matches!(action, Action::Book(_))).collect()
    }

    pub fn rules(&self) -> Vec<Rule> {
        self.host.books().findings.iter().map(|finding| finding.rule).collect()
    }

    pub fn clean(&self) {
        assert!(self.host.books().findings.is_empty(), "{:#?}", self.host.books().findings);
    }
}

/// What an answer to a frame is: its bytes off the wire, MAC checked by the till's own key.
pub fn reply(actions: &[Action]) -> Vec<u8> {
    let replies: Vec<&Vec<u8>> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Reply { bytes, .. } => Some(bytes),
            _ => None,
        })
        .collect();
    assert_eq!(replies.len(), 1, "{actions:?}");
    replies[0].clone()
}

pub fn read_frame(bytes: &[u8]) -> Frame {
    let mut deframer = Deframer::new(super::LAYOUT);
    deframer.push(bytes);
    let frame = deframer.next_frame().unwrap().expect("one whole frame");
    assert_eq!(deframer.held(), 0);
    frame
}

/// A terminal.
pub struct Till {
    pub spec: Spec,
    pub tid: &'static str,
    pub batch: u32,
    pub stan: u32,
    pub keys: Option<WorkKeys>,
}

impl Default for Till {
    fn default() -> Till {
        Till { spec: Spec::unionpay_pos(), tid: TID, batch: 1, stan: 0, keys: None }
    }
}

impl Till {
    pub fn signed_on(rig: &mut Rig) -> Till {
        let mut till = Till::default();
        till.sign_on(rig);
        till
    }

    pub fn next(&mut self) -> u32 {
        self.stan += 1;
        self.stan
    }

    pub fn message(&self, mti: u16, fields: &[(u8, &str)]) -> Message {
        let mut message = Message::new(Mti::new(mti).unwrap());
        message.set_text(41, self.tid).set_text(42, MID);
        for (field, text) in fields {
            message.set_text(*field, text);
        }
        message
    }

    /// A financial message with STAN, currency and 60.
    pub fn financial(&self, mti: u16, stan: u32, type_code: &str, amount: i64, fields: &[(u8, &str)]) -> Message {
        let mut message = self.message(mti, fields);
        message.set_text(4, &format!("{amount:012}")).set_text(11, &format!("{stan:06}")).set_text(49, "156");
        let batch = self.batch;
        message.set_text(60, &format!("{type_code}{batch:06}000")).set_bytes(64, &[0; 8]);
        message
    }

    pub fn sale(&mut self, pan: &str, amount: i64) -> Message {
        let stan = self.next();
        let track = format!("{pan}=30121010000012300000")[..37.min(pan.len() + 21)].to_owned();
        self.financial(200, stan, "22", amount, &[(3, "000000"), (22, "022"), (25, "00"), (35, &track)])
    }

    pub fn scan(&mut self, code: &str, amount: i64) -> Message {
        let stan = self.next();
        let field59 = format!("A3{:03}{code}", code.len());
        self.financial(200, stan, "22", amount, &[(3, "000000"), (22, "032"), (25, "00"), (59, &field59)])
    }

    pub fn void(&mut self, pan: &str, amount: i64, original: &Message) -> Message {
        let stan = self.next();
        let batch = self.batch;
        let field61 = format!("{batch:06}{}", original.text(11).unwrap());
        let fields = [
            (2, pan),
            (3, "200000"),
            (14, "3012"),
            (22, "012"),
            (25, "00"),
            (37, original.text(37).unwrap()),
            (61, &field61),
        ];
        self.financial(200, stan, "23", amount, &fields)
    }

    pub fn refund(&mut self, pan: &str, amount: i64, rrn: &str, date: &str, organisation: &str) -> Message {
        let stan = self.next();
        let field61 = format!("000000000000{date}");
        let fields = [
            (2, pan),
            (3, "200000"),
            (14, "3012"),
            (22, "012"),
            (25, "00"),
            (37, rrn),
            (61, &field61),
            (63, organisation),
        ];
        self.financial(220, stan, "25", amount, &fields)
    }

    pub fn offline(&mut self, pan: &str, amount: i64, organisation: &str) -> Message {
        let stan = self.next();
        let fields = [
            (2, pan),
            (3, "000000"),
            (14, "3012"),
            (22, "012"),
            (25, "00"),
            (61, "000000000000000002"),
            (63, organisation),
        ];
        self.financial(220, stan, "30", amount, &fields)
    }

    /// The 0400 of a request: what it must drop, dropped; its PAN kept if it was keyed.
    pub fn reversal(&self, of: &Message, reason: &str) -> Message {
        let mut message = Message::new(Mti::new(400).unwrap());
        for (field, bytes) in of.iter().filter(|(field, _)| ![26, 35, 36, 37, 52, 53].contains(field)) {
            message.set_bytes(field, bytes);
        }
        message.set_text(39, reason);
        message
    }

    pub fn settlement(&mut self, totals: &Totals) -> Message {
        let stan = format!("{:06}", self.next());
        let (field60, field48) = (format!("00{:06}201", self.batch), totals.write([0, 0]));
        self.message(500, &[(11, &stan), (48, &field48), (49, "156"), (60, &field60), (63, "01 ")])
    }

    pub fn upload(&mut self, rows: &[(bool, u32, &str, i64)]) -> Message {
        let stan = format!("{:06}", self.next());
        let mut field48 = format!("{:02}", rows.len());
        for (foreign, stan, pan, amount) in rows {
            field48 += &format!("{:02}{stan:06}{pan:0>20}{amount:012}", u8::from(*foreign));
        }
        let field60 = format!("00{:06}201", self.batch);
        self.message(320, &[(11, &stan), (48, &field48), (60, &field60)])
    }

    pub fn end(&mut self, kind: &str, records: u32) -> Message {
        let stan = format!("{:06}", self.next());
        let (field60, field48) = (format!("00{:06}{kind}", self.batch), format!("{records:04}"));
        self.message(320, &[(11, &stan), (48, &field48), (60, &field60)])
    }

    /// As it goes on the wire, with its MAC where it has a field 64.
    pub fn wire(&self, message: &Message) -> Vec<u8> {
        let mut message = message.clone();
        if let (true, Some(keys)) = (message.has(64), &self.keys) {
            let body = self.spec.encode(&message).unwrap();
            message.set_bytes(64, &keys.mak.mac(&body[..body.len() - 8]));
        }
        self.framed(self.spec.encode(&message).unwrap())
    }

    pub fn framed(&self, body: Vec<u8>) -> Vec<u8> {
        let (tpdu, header) = (vec![0x60, 0x00, 0x03, 0x00, 0x00], vec![0x60, 0x22, 0, 0, 0, 0]);
        Frame { tpdu, header, body }.to_bytes().unwrap()
    }

    /// Sends, and reads the one answer: turned TPDU, MAC right, same STAN.
    pub fn ask(&self, rig: &mut Rig, message: &Message) -> Message {
        let actions = rig.push(&self.wire(message));
        let answer = self.read(&reply(&actions));
        assert_eq!(answer.mti(), message.mti().answer());
        assert_eq!(answer.text(11), message.text(11));
        answer
    }

    pub fn read(&self, bytes: &[u8]) -> Message {
        let frame = read_frame(bytes);
        assert_eq!(frame.tpdu, [0x60, 0, 0, 0x00, 0x03]);
        let message = self.spec.decode(&frame.body).unwrap();
        if let (Some(mac), Some(keys)) = (message.bytes(64), &self.keys) {
            assert_eq!(mac, keys.mak.mac(&frame.body[..frame.body.len() - 8]), "MAC of {message:?}");
        }
        message
    }

    pub fn sign_on_message(&mut self) -> Message {
        let stan = format!("{:06}", self.next());
        let field60 = format!("00{:06}003", self.batch);
        self.message(800, &[(11, &stan), (60, &field60), (62, "Sequence No1600003202"), (63, "01 ")])
    }

    /// Signs on: work keys unwrapped under the master key, batch taken from 60.2.
    pub fn sign_on(&mut self, rig: &mut Rig) {
        let message = self.sign_on_message();
        let answer = self.ask(rig, &message);
        assert_eq!(answer.text(39), Some("00"));
        self.keys = WorkKeys::unwrap(answer.bytes(62).unwrap(), &Key::from_hex(MASTER).unwrap());
        assert!(self.keys.is_some(), "{}", hex_upper(answer.bytes(62).unwrap()));
        self.batch = answer.text(60).unwrap()[2..8].parse().unwrap();
    }

    /// Settles with these totals and ends the batch with 207; gives the two verdict digits.
    pub fn close(&mut self, rig: &mut Rig, totals: &Totals) -> [u8; 2] {
        let settlement = self.settlement(totals);
        let answer = self.ask(rig, &settlement);
        assert!(!answer.has(39) && !answer.has(64));
        let (_, verdicts) = Totals::read(answer.text(48).unwrap()).unwrap();
        if verdicts == [1, 1] {
            let end = self.end("207", 0);
            assert_eq!(self.ask(rig, &end).text(39), Some("00"));
            self.batch += 1;
        }
        verdicts
    }
}

/// The totals of these payments: (foreign, credit, amount).
pub fn totals(payments: &[(bool, bool, i64)]) -> Totals {
    let mut totals = Totals::default();
    for (foreign, credit, amount) in payments {
        let side = if *credit { Kind::Void.side() } else { Kind::Sale.side() };
        totals.half_mut(*foreign).add(side, *amount);
    }
    totals
}
