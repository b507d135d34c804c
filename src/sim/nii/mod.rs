//! A simulated host of the Hypercom/NII style: net totals in field 63, the verdict in field 39 (00 or 95), one 0320 a record, and a second 0500
//! (960000) that ends the upload. The other side of the wire: it has its own table of fields, its own books, and notes what no terminal should do.
//!
//! A pure step: bytes in, bytes out. Knows no socket, no clock, and never the daemon's profile. `run` puts it on a port.

mod run;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::core::acquirer::iso8583::{Deframer, Frame, Layout, Message, Spec};

pub use run::{NiiArgs, NiiHandle, NiiJudgement, NiiScenario, run, start};

/// Its frames: no header between TPDU and message.
pub const LAYOUT: Layout = Layout { tpdu: 5, header: 0, max: 1024 };

/// In what hosts of this style differ from each other.
#[derive(Debug, Clone)]
pub struct NiiWays {
    /// Its table of fields.
    pub fields: String,
    /// What lies around a message.
    pub layout: Layout,
    /// Field 24.
    pub nii: &'static str,
    /// The field with the totals.
    pub totals: u8,
    /// A voided sale stays in the totals, and its void stands on the other side.
    pub gross: bool,
    /// Field 39 of a settlement that differs.
    pub differs: &'static str,
    /// A balanced batch is ended by a 960000 too.
    pub always_ends: bool,
}

impl Default for NiiWays {
    fn default() -> NiiWays {
        NiiWays {
            fields: FIELDS.to_owned(),
            layout: LAYOUT,
            nii: "003",
            totals: 63,
            gross: false,
            differs: "95",
            always_ends: false,
        }
    }
}

const FIELDS: &str = r#"
[fields]
2 = "n..19"
3 = "n6"
4 = "n12"
11 = "n6"
12 = "n6"
13 = "n4"
14 = "n4"
22 = "n3 right"
24 = "n3 right"
25 = "n2"
35 = "z..37 pad 0F"
37 = "an12"
38 = "an6"
39 = "an2"
41 = "ans8"
42 = "ans15"
60 = "ans...22"
63 = "ans...163"
"#;

/// A payment in its books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Booked {
    /// Field 41.
    pub tid: String,
    /// The host's own batch.
    pub batch: u32,
    /// Field 11.
    pub stan: String,
    /// Type of its message, `0200`.
    pub mti: String,
    /// Field 3.
    pub processing: String,
    /// Minor units.
    pub amount: i64,
    /// Field 37.
    pub rrn: String,
    /// Its card: to see that a record is the same.
    #[serde(skip)]
    card: String,
    /// A 0400 undid it.
    pub reversed: bool,
    /// A void is in force.
    pub voided: bool,
}

/// Sales and refunds in force, net of voids: count and sum each.
pub type Net = [(u32, i64); 2];

/// A settlement that has not ended.
#[derive(Debug, Clone)]
struct Settling {
    /// What the terminal claimed.
    claimed: String,
    /// That was not ours: the records that came since, by type and STAN.
    records: Option<BTreeMap<String, (i64, String)>>,
}

#[derive(Debug, Default)]
struct Terminal {
    batch: u32,
    signed_on: bool,
    settling: Option<Settling>,
    /// The last settlement message, so that its repeat is answered alike.
    last: Option<(String, String)>,
}

/// The host.
#[derive(Debug)]
pub struct NiiHost {
    ways: NiiWays,
    spec: Spec,
    /// In the order of decision.
    pub books: Vec<Booked>,
    /// What no terminal should have done.
    pub findings: Vec<String>,
    /// Settlements that ended: TID, batch, records uploaded, `None` where balanced at once.
    pub ended: Vec<(String, u32, Option<usize>)>,
    /// Amounts whose last two digits these are get this code.
    pub decline: Vec<(i64, String)>,
    /// The next settlement is said to differ, whatever the books say.
    pub dispute: bool,
    /// So many answers are lost: the message is booked all the same.
    pub lose_answers: u32,
    /// And those to these messages, counted from 1.
    pub lose: BTreeSet<u64>,
    heard: u64,
    /// What its clock shows, in its own time zone: hhmmss and MMDD.
    pub clock: [String; 2],
    terminals: BTreeMap<String, Terminal>,
}

impl Default for NiiHost {
    fn default() -> NiiHost {
        NiiHost::new(NiiWays::default())
    }
}

impl NiiHost {
    /// A host of these ways, with empty books. Its own table must be well formed.
    #[must_use]
    pub fn new(ways: NiiWays) -> NiiHost {
        NiiHost {
            spec: Spec::from_profile(&ways.fields).expect("the host's own table is well formed, and a test reads it"),
            ways,
            books: Vec::new(),
            findings: Vec::new(),
            ended: Vec::new(),
            decline: Vec::new(),
            dispute: false,
            lose_answers: 0,
            lose: BTreeSet::new(),
            heard: 0,
            clock: ["120000".into(), "0307".into()],
            terminals: BTreeMap::new(),
        }
    }

    /// A connection's bytes, to be put together to frames.
    #[must_use]
    pub fn session(&self) -> Deframer {
        Deframer::new(self.ways.layout)
    }

    /// Takes whole frames; gives the answers' bytes. A message that cannot be read is noted and not answered.
    pub fn bytes(&mut self, deframer: &mut Deframer, bytes: &[u8]) -> Vec<Vec<u8>> {
        deframer.push(bytes);
        let mut answers = Vec::new();
        loop {
            match deframer.next_frame() {
                Ok(Some(frame)) => answers.extend(self.frame(&frame)),
                Ok(None) => return answers,
                Err(error) => {
                    deframer.clear();
                    self.findings.push(error.to_string());
                    return answers;
                }
            }
        }
    }

    /// Takes one frame; gives its answer's bytes, if there is one.
    pub fn frame(&mut self, frame: &Frame) -> Option<Vec<u8>> {
        self.heard += 1;
        let message = match self.spec.decode(&frame.body) {
            Ok(message) => message,
            Err(error) => {
                self.findings.push(format!("unreadable: {error}"));
                return None;
            }
        };
        let mut answer = Message::new(message.mti().answer());
        for field in [3, 4, 11, 24, 41, 42] {
            if let Some(content) = message.bytes(field) {
                answer.set_bytes(field, content);
            }
        }
        answer.set_text(12, &self.clock[0]).set_text(13, &self.clock[1]);
        let code = self.serve(&message, &mut answer);
        answer.set_text(39, &code);
        if self.lose_answers > 0 || self.lose.contains(&self.heard) {
            self.lose_answers = self.lose_answers.saturating_sub(1);
            return None;
        }
        let body = self.spec.encode(&answer).ok()?;
        Frame { tpdu: frame.tpdu.clone(), header: frame.header.clone(), body }.to_bytes()
    }

    fn serve(&mut self, message: &Message, answer: &mut Message) -> String {
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let (mti, tid, processing) = (message.mti().to_string(), text(41), text(3));
        self.terminals.entry(tid.clone()).or_insert_with(|| Terminal { batch: 1, ..Terminal::default() });
        if text(24) != self.ways.nii {
            self.findings.push(format!("{mti}: F24 is {:?}", text(24)));
        }
        match (mti.as_str(), processing.as_str()) {
            ("0800", "920000") => {
                if let Some(terminal) = self.terminals.get_mut(&tid) {
                    terminal.signed_on = true;
                }
                "00".to_owned()
            }
            ("0200" | "0220", _) => self.payment(&mti, message, answer),
            ("0400", _) => self.reversal(message),
            ("0500", "920000") => self.settle(message, true),
            ("0500", "960000") => self.settle(message, false),
            ("0320", _) => self.record(message),
            _ => {
                self.findings.push(format!("{mti} with F3 {processing} is no message of this host"));
                "12".to_owned()
            }
        }
    }

    fn terminal(&self, tid: &str) -> (u32, bool, bool) {
        self.terminals.get(tid).map_or((1, false, false), |t| (t.batch, t.signed_on, t.settling.is_some()))
    }

    fn payment(&mut self, mti: &str, message: &Message, answer: &mut Message) -> String {
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let (tid, stan, processing) = (text(41), text(11), text(3));
        let (batch, signed_on, settling) = self.terminal(&tid);
        let amount: i64 = text(4).parse().unwrap_or(0);
        if settling || !signed_on {
            self.findings.push(format!("{mti} {stan}: settling {settling}, signed on {signed_on}"));
            return "90".to_owned();
        }
        let known = self.books.iter().find(|b| b.tid == tid && b.batch == batch && b.stan == stan).cloned();
        if let Some(known) = known {
            if (known.amount, known.mti.as_str()) != (amount, mti) || mti == "0200" {
                self.findings.push(format!("{mti} {stan} was used already"));
            }
            return "94".to_owned();
        }
        if let Some((_, code)) = self.decline.iter().find(|(ending, _)| amount % 100 == *ending) {
            return code.clone();
        }
        if processing == "020000" {
            let original = self
                .books
                .iter_mut()
                .find(|b| b.tid == tid && b.batch == batch && b.rrn == text(37) && !b.voided && !b.reversed);
            match original {
                Some(original) if original.amount == amount => original.voided = true,
                _ => return "25".to_owned(),
            }
        }
        let rrn = format!("{:012}", 700_000 + self.books.len());
        answer.set_text(37, &rrn).set_text(38, &format!("{stan:0>6}"));
        let card = message.text(2).or_else(|| message.text(35)?.split(['=', 'D']).next()).unwrap_or_default();
        self.books.push(Booked {
            tid,
            batch,
            stan,
            mti: mti.to_owned(),
            processing,
            amount,
            rrn,
            card: card.to_owned(),
            reversed: false,
            voided: false,
        });
        "00".to_owned()
    }

    fn reversal(&mut self, message: &Message) -> String {
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let (tid, stan) = (text(41), text(11));
        let (batch, _, settling) = self.terminal(&tid);
        if settling {
            self.findings.push(format!("0400 {stan} while the batch is being settled"));
        }
        let same = |b: &&mut Booked| b.tid == tid && b.batch == batch && b.stan == stan;
        let Some(booked) = self.books.iter_mut().find(same) else { return "25".to_owned() };
        booked.reversed = true;
        if booked.processing == "020000" {
            // Its original is named by nothing here but card and amount.
            let (card, amount) = (booked.card.clone(), booked.amount);
            let mut voided = self.books.iter_mut().filter(|b| b.voided && b.card == card && b.amount == amount);
            if let Some(original) = voided.next() {
                original.voided = false;
            }
        }
        "00".to_owned()
    }

    /// A terminal's batch as this host counts it: sales; refunds, and where it counts gross voids.
    #[must_use]
    pub fn net(&self, tid: &str, batch: u32) -> Net {
        let mut net = [(0, 0); 2];
        for booked in self.counting(tid, batch) {
            let side = &mut net[usize::from(booked.processing != "000000")];
            *side = (side.0 + 1, side.1 + booked.amount);
        }
        net
    }

    fn counting<'a>(&'a self, tid: &'a str, batch: u32) -> impl Iterator<Item = &'a Booked> {
        let gross = self.ways.gross;
        let here = self.books.iter().filter(move |b| b.tid == tid && b.batch == batch && !b.reversed);
        here.filter(move |b| gross || (!b.voided && b.processing != "020000"))
    }

    fn settle(&mut self, message: &Message, first: bool) -> String {
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let (tid, stan, claimed) = (text(41), text(11), text(self.ways.totals));
        let repeat = self.terminals.get(&tid).and_then(|t| t.last.clone()).filter(|(last, _)| *last == stan);
        if let Some((_, code)) = repeat {
            return code;
        }
        let (batch, _, settling) = self.terminal(&tid);
        if text(60) != format!("{batch:06}") {
            self.findings.push(format!("0500 {stan}: F60 is {:?}, ours is {batch:06}", text(60)));
            return "12".to_owned();
        }
        let [(sales, debit), (refunds, credit)] = self.net(&tid, batch);
        let ours = format!("{sales:03}{debit:012}{refunds:03}{credit:012}");
        let agrees = first && claimed == ours && !std::mem::take(&mut self.dispute);
        if first && settling {
            self.findings.push(format!("0500 {stan}: 920000 again under another STAN"));
        }
        if !first {
            self.check_upload(&tid, batch, &claimed);
        }
        let code = if agrees || !first { "00" } else { self.ways.differs };
        let always_ends = self.ways.always_ends;
        let Some(terminal) = self.terminals.get_mut(&tid) else { return "96".to_owned() };
        terminal.last = Some((stan, code.to_owned()));
        if first && (!agrees || always_ends) {
            terminal.settling = Some(Settling { claimed, records: (!agrees).then(BTreeMap::new) });
        } else {
            let records = terminal.settling.take().and_then(|settling| settling.records).map(|records| records.len());
            terminal.batch = batch + 1;
            self.ended.push((tid, batch, records));
        }
        code.to_owned()
    }

    /// Every record that counts came, as it stands in the books, and the second 0500 claims what the first did.
    fn check_upload(&mut self, tid: &str, batch: u32, claimed: &str) {
        let Some(Settling { claimed: first, records }) = self.terminals.get(tid).and_then(|t| t.settling.clone())
        else {
            self.findings.push("960000 without an upload".to_owned());
            return;
        };
        let ours: BTreeMap<String, (i64, String)> =
            self.counting(tid, batch).map(|b| (format!("{}{}", b.mti, b.stan), (b.amount, b.card.clone()))).collect();
        if first != claimed || records.as_ref().is_some_and(|records| *records != ours) {
            let came = records.map_or(0, |records| records.len());
            self.findings.push(format!("batch {batch}: {came} records came, {} are ours", ours.len()));
        }
    }

    fn record(&mut self, message: &Message) -> String {
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let (tid, name) = (text(41), text(60));
        let amount = text(4).parse().unwrap_or(0);
        if message.has(35) {
            self.findings.push(format!("record {name} carries a stripe"));
        }
        let settling = self.terminals.get_mut(&tid).and_then(|t| t.settling.as_mut());
        let Some(records) = settling.and_then(|settling| settling.records.as_mut()) else {
            self.findings.push(format!("record {name} without a settlement that differed"));
            return "12".to_owned();
        };
        records.insert(name, (amount, text(2)));
        "00".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_fields_is_read() {
        assert!(NiiHost::default().spec.format(24).is_some());
    }
}
