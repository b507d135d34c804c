//! A simulated host of the Hypercom/NII style: net totals in field 63, the verdict in field 39 (00 or 95), one 0320 a record, and a second 0500
//! (960000) that ends the upload. The other side of the wire: it has its own table of fields, its own books, and notes what no terminal should do.
//!
//! A pure step: bytes in, bytes out. Knows no socket, no clock, and never the daemon's profile.

use std::collections::BTreeMap;

use crate::core::acquirer::iso8583::{Deframer, Frame, Layout, Message, Spec};

/// Its frames: no header between TPDU and message.
pub const LAYOUT: Layout = Layout { tpdu: 5, header: 0, max: 1024 };

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// First digits of card: enough to see that a record is the same.
    card: String,
    /// A 0400 undid it.
    pub reversed: bool,
    /// A void is in force.
    pub voided: bool,
}

/// Sales and refunds in force, net of voids: count and sum each.
pub type Net = [(u32, i64); 2];

/// A claim that was not ours, and the records that came since: by type and STAN.
type Differing = (String, BTreeMap<String, (i64, String)>);

#[derive(Debug, Default)]
struct Terminal {
    batch: u32,
    signed_on: bool,
    /// What the terminal claimed where that was not ours, and the records that came since: by type and STAN.
    differs: Option<Differing>,
    /// The last settlement message, so that its repeat is answered alike.
    last: Option<(String, String)>,
}

/// The host.
#[derive(Debug)]
pub struct NiiHost {
    spec: Spec,
    /// In the order of decision.
    pub books: Vec<Booked>,
    /// What no terminal should have done.
    pub findings: Vec<String>,
    /// Settlements that ended: TID, batch, records uploaded, `None` where balanced at once.
    pub ended: Vec<(String, u32, Option<usize>)>,
    /// Amounts whose last two digits these are get this code.
    pub decline: Vec<(i64, &'static str)>,
    /// The next settlement is said to differ, whatever the books say.
    pub dispute: bool,
    /// So many answers are lost: the message is booked all the same.
    pub lose_answers: u32,
    terminals: BTreeMap<String, Terminal>,
}

impl Default for NiiHost {
    fn default() -> NiiHost {
        NiiHost {
            spec: Spec::from_profile(FIELDS).expect("the table above is well formed, and a test reads it"),
            books: Vec::new(),
            findings: Vec::new(),
            ended: Vec::new(),
            decline: Vec::new(),
            dispute: false,
            lose_answers: 0,
            terminals: BTreeMap::new(),
        }
    }
}

impl NiiHost {
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

    fn frame(&mut self, frame: &Frame) -> Option<Vec<u8>> {
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
        answer.set_text(12, "120000").set_text(13, "0307");
        let code = self.serve(&message, &mut answer);
        answer.set_text(39, &code);
        if self.lose_answers > 0 {
            self.lose_answers -= 1;
            return None;
        }
        let body = self.spec.encode(&answer).ok()?;
        Frame { tpdu: frame.tpdu.clone(), header: Vec::new(), body }.to_bytes()
    }

    fn serve(&mut self, message: &Message, answer: &mut Message) -> String {
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let (mti, tid, processing) = (message.mti().to_string(), text(41), text(3));
        self.terminals.entry(tid.clone()).or_insert_with(|| Terminal { batch: 1, ..Terminal::default() });
        if text(24) != "003" {
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
        self.terminals.get(tid).map_or((1, false, false), |t| (t.batch, t.signed_on, t.differs.is_some()))
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
            return (*code).to_owned();
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

    /// Net totals of a terminal's batch: sales, refunds.
    #[must_use]
    pub fn net(&self, tid: &str, batch: u32) -> Net {
        let mut net = [(0, 0); 2];
        for booked in self.counting(tid, batch) {
            let side = &mut net[usize::from(booked.processing == "200000")];
            *side = (side.0 + 1, side.1 + booked.amount);
        }
        net
    }

    fn counting<'a>(&'a self, tid: &'a str, batch: u32) -> impl Iterator<Item = &'a Booked> {
        self.books
            .iter()
            .filter(move |b| b.tid == tid && b.batch == batch && !b.reversed && !b.voided && b.processing != "020000")
    }

    fn settle(&mut self, message: &Message, first: bool) -> String {
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let (tid, stan, claimed) = (text(41), text(11), text(63));
        let repeat = self.terminals.get(&tid).and_then(|t| t.last.clone()).filter(|(last, _)| *last == stan);
        if let Some((_, code)) = repeat {
            return code;
        }
        let (batch, _, differs) = self.terminal(&tid);
        if text(60) != format!("{batch:06}") {
            self.findings.push(format!("0500 {stan}: F60 is {:?}, ours is {batch:06}", text(60)));
            return "12".to_owned();
        }
        let [(sales, debit), (refunds, credit)] = self.net(&tid, batch);
        let ours = format!("{sales:03}{debit:012}{refunds:03}{credit:012}");
        let code = if first {
            if differs {
                self.findings.push(format!("0500 {stan}: 920000 again under another STAN"));
            }
            if claimed == ours && !std::mem::take(&mut self.dispute) { "00" } else { "95" }
        } else {
            self.check_upload(&tid, batch, &claimed);
            "00"
        };
        let records = self.terminals.get(&tid).and_then(|t| t.differs.as_ref()).map(|(_, records)| records.len());
        let Some(terminal) = self.terminals.get_mut(&tid) else { return "96".to_owned() };
        terminal.last = Some((stan, code.to_owned()));
        if code == "95" {
            terminal.differs = Some((claimed, BTreeMap::new()));
        } else {
            (terminal.batch, terminal.differs) = (batch + 1, None);
            self.ended.push((tid, batch, records));
        }
        code.to_owned()
    }

    /// Every record that counts came, as it stands in the books, and the second 0500 claims what the first did.
    fn check_upload(&mut self, tid: &str, batch: u32, claimed: &str) {
        let Some((first, records)) = self.terminals.get(tid).and_then(|t| t.differs.clone()) else {
            self.findings.push("960000 without an upload".to_owned());
            return;
        };
        let ours: BTreeMap<String, (i64, String)> =
            self.counting(tid, batch).map(|b| (format!("{}{}", b.mti, b.stan), (b.amount, b.card.clone()))).collect();
        if ours != records || first != claimed {
            self.findings.push(format!("batch {batch}: {} records came, {} are ours", records.len(), ours.len()));
        }
    }

    fn record(&mut self, message: &Message) -> String {
        let text = |field| message.text(field).unwrap_or_default().to_owned();
        let (tid, name) = (text(41), text(60));
        let amount = text(4).parse().unwrap_or(0);
        if message.has(35) {
            self.findings.push(format!("record {name} carries a stripe"));
        }
        let Some((_, records)) = self.terminals.get_mut(&tid).and_then(|t| t.differs.as_mut()) else {
            self.findings.push(format!("record {name} without a settlement"));
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
