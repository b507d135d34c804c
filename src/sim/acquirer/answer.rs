//! Answers: what they echo, the host's time and numbers, the MAC, the frame, and what a fault makes of them.
//!
//! Decides nothing about a payment; it says what was decided.

use chrono::{DateTime, Datelike, Days, TimeDelta, Utc};

use super::config::cutover_minute;
use super::dialect::Kind;
use super::faults::{Fault, Spoil};
use super::host::{Action, Host, Request};
use crate::core::acquirer::iso8583::{Frame, Message};

/// Codes that a terminal may rely on; any other leaves it not knowing.
const DOCUMENTED: &[&str] = &[
    "00", "01", "03", "04", "05", "10", "11", "12", "13", "14", "15", "21", "22", "25", "30", "34", "38", "40", "41",
    "43", "51", "54", "55", "57", "58", "59", "61", "62", "64", "65", "68", "75", "90", "91", "92", "94", "96", "97",
    "98", "99", "A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7",
];

impl Host {
    /// The moment at the host, in its own time zone.
    pub(super) fn host_time(&self) -> DateTime<Utc> {
        let local = self.now.0.saturating_add(i64::from(self.config.utc_offset_s) * 1000);
        DateTime::from_timestamp_millis(local).unwrap_or_default()
    }

    /// Field 15: today, or the next day after the cut-over.
    pub(super) fn settle_date(&self) -> String {
        let time = self.host_time();
        let midnight = time.date_naive().and_hms_opt(0, 0, 0).unwrap_or_default();
        let minute = time.naive_utc().signed_duration_since(midnight).num_minutes();
        let cutover = self.config.scenario.cutover.as_deref().and_then(cutover_minute);
        let late = cutover.is_some_and(|cut| TimeDelta::minutes(minute) >= TimeDelta::minutes(cut));
        let date = time.date_naive();
        let date = if late { date.checked_add_days(Days::new(1)).unwrap_or(date) } else { date };
        date.format("%m%d").to_string()
    }

    /// Field 37 of what is answered next: year, day of the year, running number; even ones are payments', so that none is ever another's.
    pub(super) fn next_rrn(&self, kind: Kind) -> String {
        let date = self.host_time();
        let number = (self.books.entries * 2 + u64::from(!kind.is_payment())) % 10_000_000;
        format!("{:02}{:03}{number:07}", date.year().rem_euclid(100), date.ordinal())
    }

    /// The answer's frame of fields: what is echoed, the host's time, and the code.
    pub(super) fn answer(&self, request: &Request, code: &str) -> Message {
        let mut answer = Message::new(request.message.mti().answer());
        for field in [3, 4, 11, 25, 41, 42, 49, 60] {
            if let Some(bytes) = request.message.bytes(field) {
                answer.set_bytes(field, bytes);
            }
        }
        let time = self.host_time();
        answer.set_text(12, &time.format("%H%M%S").to_string()).set_text(13, &time.format("%m%d").to_string());
        if request.kind != Kind::Echo {
            answer.set_text(32, "01020000").set_text(37, &self.next_rrn(request.kind));
        }
        if !matches!(request.kind, Kind::SignOn | Kind::SignOff | Kind::Echo) {
            answer.set_text(15, &self.settle_date());
        }
        if request.kind != Kind::Settle {
            answer.set_text(39, code);
        }
        answer
    }

    pub(super) fn reply_code(&mut self, request: &Request, code: &str, fault: Option<Fault>) {
        let answer = self.answer(request, code);
        self.send(request, answer, fault);
    }

    /// Whether a fault keeps the answer from being one that the terminal can rely on. A refusal may be believed without a MAC, amount or merchant.
    pub(super) fn is_lost(&self, fault: Option<&Fault>, approved: bool) -> Option<&'static str> {
        match fault? {
            Fault::DropAnswer => Some("the answer was lost"),
            Fault::DisconnectAfter => Some("the connection went before the answer"),
            Fault::Spoil(Spoil::Mac | Spoil::NoMac | Spoil::Amount | Spoil::Merchant) if !approved => None,
            Fault::Spoil(_) => Some("the answer was spoiled"),
            Fault::Delay(ms) if *ms >= self.config.scenario.terminal_timeout_ms => Some("the answer came too late"),
            Fault::Refuse(code) | Fault::OddCode(code) if !DOCUMENTED.contains(&code.as_str()) => {
                Some("the answer's code is documented nowhere")
            }
            _ => None,
        }
    }

    /// Whether a code is documented.
    pub(super) fn is_documented(code: &str) -> bool {
        DOCUMENTED.contains(&code)
    }

    /// Signs, frames and sends an answer, with what the fault does to it.
    pub(super) fn send(&mut self, request: &Request, mut answer: Message, fault: Option<Fault>) {
        let (mut after_ms, mut copies, mut split, mut raw) = (self.latency_ms, 1, false, None);
        match fault {
            Some(Fault::DropAnswer) => return,
            Some(Fault::DisconnectAfter) => {
                self.out.push(Action::Disconnect { after_ms });
                return;
            }
            Some(Fault::Delay(ms)) => after_ms = after_ms.saturating_add(ms),
            Some(Fault::RepeatAnswer(times)) => copies += times,
            Some(Fault::Split) => split = true,
            Some(Fault::Spoil(spoil)) => {
                spoil_fields(&mut answer, spoil);
                raw = Some(spoil);
            }
            _ => {}
        }
        let Some(mut bytes) = self.framed(request, &answer, raw) else { return };
        if raw == Some(Spoil::Truncate) {
            bytes.truncate(bytes.len() / 2);
        }
        for copy in 0..copies {
            let of =
                (copy == 0 && raw.is_none() && request.kind.is_payment()).then(|| (request.key.clone(), request.kind));
            self.out.push(Action::Reply { after_ms, bytes: bytes.clone(), split, of });
        }
        if raw == Some(Spoil::Truncate) {
            self.out.push(Action::Disconnect { after_ms });
        }
    }

    /// The answer's bytes on the wire: TPDU turned round, header with what the terminal is told to do, MAC where the request has one.
    fn framed(&self, request: &Request, answer: &Message, spoil: Option<Spoil>) -> Option<Vec<u8>> {
        let mut answer = answer.clone();
        let tid = &request.key.tid;
        let keys = self.master_key(tid).and_then(|master| self.work_keys(tid, &master).0);
        // Who is told to sign on again (A0) holds keys that are not the host's: it could not check a MAC.
        let told_off = answer.text(39) == Some("A0");
        let sign = request.kind.row().is_some_and(|row| row.mac) && spoil != Some(Spoil::NoMac) && !told_off;
        if let Some(keys) = keys.filter(|_| sign) {
            answer.set_bytes(64, &[0; 8]);
            let body = self.spec.encode(&answer).ok()?;
            let mut mac = keys.mak.mac(body.get(..body.len() - 8)?);
            if spoil == Some(Spoil::Mac) {
                mac[0] = if mac[0] == b'0' { b'1' } else { b'0' };
            }
            answer.set_bytes(64, &mac);
        }
        let encoded = self.spec.encode(&answer);
        let body = match encoded {
            _ if spoil == Some(Spoil::Garbage) => vec![0xEE; 64],
            Ok(body) => body,
            Err(error) => {
                log::error!("simulated acquirer: an answer of its own cannot be written: {error}");
                return None;
            }
        };
        let mut tpdu = request.frame.tpdu.clone();
        if tpdu.len() == 5 {
            tpdu[1..].rotate_left(2);
        }
        let mut header = request.frame.header.clone();
        if let Some(byte) = header.get_mut(2) {
            *byte = (*byte & 0xF0) | self.asked.get(tid).map_or(0, |digit| digit & 15);
        }
        Frame { tpdu, header, body }.to_bytes()
    }
}

fn spoil_fields(answer: &mut Message, spoil: Spoil) {
    let other = |text: &str| {
        let bumped = text.parse::<u64>().unwrap_or(0).wrapping_add(1);
        let width = text.len();
        format!("{bumped:0width$}").chars().take(width).collect::<String>()
    };
    let field = match spoil {
        Spoil::Stan => 11,
        Spoil::Amount => 4,
        Spoil::Terminal => 41,
        Spoil::Merchant => 42,
        _ => return,
    };
    if let Some(text) = answer.text(field).map(other) {
        answer.set_text(field, &text);
    }
}
