//! A lane on virtual time: first a line an event, then a thousand seeded conversations with a host and a line that fail in every way.
#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::core::acquirer::AnswerClass;
use crate::core::acquirer::iso8583::bcd::unhex;
use crate::core::acquirer::iso8583::{Layout, Message, Mti, Spec};
use crate::core::acquirer::samples::*;
use crate::core::acquirer::*;

const TIMES: LaneTimes =
    LaneTimes { connect_ms: 5_000, answer_ms: 60_000, retry_first_ms: 500, retry_max_ms: 30_000, echo_ms: 0 };
const LAYOUT: Layout = Layout { tpdu: 5, header: 6, max: 2048 };

struct Rig {
    lane: Lane,
    keys: SumKeys,
    now: u64,
    wake: u64,
}

impl Rig {
    fn new(times: LaneTimes) -> Rig {
        Rig { lane: Lane::new(Arc::new(profile()), identity(), times, 7), keys: SumKeys::ready(), now: 0, wake: 0 }
    }

    /// What a step does, in words; `WakeAt` is kept apart.
    fn step(&mut self, input: LaneInput<'_>) -> Vec<String> {
        let outputs = self.raw(input);
        outputs.iter().map(words).collect()
    }

    fn raw(&mut self, input: LaneInput<'_>) -> Vec<LaneOutput> {
        let mut outputs = self.lane.step(MonoMs(self.now), input, &mut self.keys);
        match outputs.pop() {
            Some(LaneOutput::WakeAt(at)) => self.wake = at.0,
            other => panic!("the last output is {other:?}"),
        }
        assert!(self.wake > self.now, "asks to be woken at {} when it is {}", self.wake, self.now);
        outputs
    }

    fn order(&mut self, order: Order) -> Vec<String> {
        self.step(LaneInput::Order(Box::new(order)))
    }

    /// Lets the time come that the lane asked for.
    fn sleep(&mut self) -> Vec<String> {
        self.now = self.wake;
        self.step(LaneInput::Tick)
    }

    fn connected() -> Rig {
        let mut rig = Rig::new(TIMES);
        assert_eq!(rig.step(LaneInput::Tick), ["connect"]);
        assert_eq!(rig.step(LaneInput::Connected), ["line up"]);
        rig
    }

    /// Connected, with a sale under way.
    fn asking(stan: u32) -> (Rig, Vec<u8>) {
        let mut rig = Rig::connected();
        let outputs = rig.raw(LaneInput::Order(Box::new(sale(stan))));
        let [LaneOutput::Write(wire)] = &outputs[..] else { panic!("{outputs:?}") };
        (rig, wire.clone())
    }
}

fn words(output: &LaneOutput) -> String {
    match output {
        LaneOutput::Connect => "connect".into(),
        LaneOutput::Disconnect => "disconnect".into(),
        LaneOutput::Write(wire) => format!("write {}", request(wire).text(11).unwrap_or("echo")),
        LaneOutput::Note(note) => format!("note {note}"),
        LaneOutput::WakeAt(at) => format!("wake at {}", at.0),
        LaneOutput::Report(Report::LineUp) => "line up".into(),
        LaneOutput::Report(Report::LineDown { why }) => format!("line down: {why}"),
        LaneOutput::Report(Report::NotSent { stan, why }) => format!("not sent {}: {why:?}", stan.0),
        LaneOutput::Report(Report::NoAnswer { stan }) => format!("no answer {}", stan.0),
        LaneOutput::Report(Report::Answered { stan, answer }) => format!("answered {}: {:?}", stan.0, answer.class),
        LaneOutput::Report(Report::Stray { stan, answer, .. }) => {
            format!("stray {:?}: {:?}", stan.map(|s| s.0), answer.as_ref().map(|a| a.class))
        }
    }
}

fn request(wire: &[u8]) -> Message {
    let mut deframer = Deframer::new(LAYOUT);
    deframer.push(wire);
    Spec::unionpay_pos().decode(&deframer.next_frame().unwrap().unwrap().body).unwrap()
}

/// The host's answer: echo, code, an RRN that names the STAN, a MAC where the request had one.
fn reply(wire: &[u8], code: &str) -> Vec<u8> {
    let mut message = request(wire);
    for field in [2, 14, 22, 25, 26, 35, 36, 48, 52, 53, 59, 61, 62, 63] {
        message.unset(field);
    }
    let rrn = format!("{:0>12}", message.text(11).unwrap_or("0"));
    let mti = message.mti().answer();
    let fields: Vec<(u8, Vec<u8>)> = message.iter().map(|(n, c)| (n, c.to_vec())).collect();
    let mut message = Message::new(mti);
    for (field, content) in fields {
        message.set_bytes(field, &content);
    }
    message.set_text(37, &rrn).set_text(39, code);
    if mti == Mti::new(810).unwrap() {
        message.set_bytes(62, &[0; 40]);
    }
    let mut body = Spec::unionpay_pos().encode(&message).unwrap();
    if message.has(64) {
        let at = body.len() - 8;
        let mac = SumKeys::sum(&body[..at]);
        body[at..].copy_from_slice(&mac);
    }
    let frame = Frame { tpdu: unhex("6000000003").unwrap(), header: unhex("602200000000").unwrap(), body };
    frame.to_bytes().unwrap()
}

#[test]
fn it_connects_by_itself_asks_and_is_answered() {
    let (mut rig, wire) = Rig::asking(1);
    assert_eq!(rig.wake, 60_000);
    assert_eq!(rig.step(LaneInput::Bytes(&reply(&wire, "00"))), ["answered 1: Approved"]);
    assert!(!rig.lane.busy());
    assert_eq!(rig.order(sale(2)), ["write 000002"]);
}

#[test]
fn an_answer_may_come_split_anywhere() {
    let (_, wire) = Rig::asking(1);
    let answer = reply(&wire, "00");
    for at in 1..answer.len() {
        let (mut rig, _) = Rig::asking(1);
        assert!(rig.step(LaneInput::Bytes(&answer[..at])).is_empty(), "{at}");
        assert_eq!(rig.step(LaneInput::Bytes(&answer[at..])), ["answered 1: Approved"], "{at}");
    }
}

#[test]
fn an_order_without_a_line_connects_and_goes_out() {
    let mut rig = Rig::new(TIMES);
    assert_eq!(rig.order(sale(1)), ["connect"]);
    assert_eq!(rig.step(LaneInput::Connected), ["line up", "write 000001"]);
}

#[test]
fn an_order_without_a_line_is_not_sent_once_the_line_is_refused() {
    let mut rig = Rig::new(TIMES);
    assert_eq!(rig.order(sale(1)), ["connect"]);
    assert_eq!(rig.step(LaneInput::Disconnected("refused")), ["line down: refused", "not sent 1: NoLine"]);
    assert_eq!(rig.sleep(), ["connect"]);
    assert_eq!(rig.step(LaneInput::Disconnected("refused")), [""; 0], "told already");
    assert_eq!(rig.order(sale(2)), ["connect"], "the pause is cut short for an order");
    assert_eq!(rig.step(LaneInput::Connected), ["line up", "write 000002"]);
}

#[test]
fn an_order_gets_an_attempt_of_its_own_to_connect() {
    let mut rig = Rig::new(TIMES);
    assert_eq!(rig.step(LaneInput::Tick), ["connect"]);
    rig.now = 4_900;
    assert!(rig.order(sale(1)).is_empty());
    assert_eq!(rig.step(LaneInput::Disconnected("refused")), ["line down: refused", "connect"]);
    assert_eq!(rig.step(LaneInput::Disconnected("refused")), ["not sent 1: NoLine"]);
}

#[test]
fn an_order_waits_no_longer_than_allowed_for_a_line() {
    let mut rig = Rig::new(TIMES);
    assert_eq!(rig.order(sale(1)), ["connect"]);
    assert_eq!(rig.sleep(), ["disconnect", "line down: no connection in time", "not sent 1: NoLine"]);
    assert_eq!(rig.now, 5_000);
}

#[test]
fn a_line_lost_after_the_write_is_no_answer_at_once() {
    let (mut rig, wire) = Rig::asking(1);
    let answer = reply(&wire, "00");
    assert!(rig.step(LaneInput::Bytes(&answer[..40])).is_empty());
    assert_eq!(rig.step(LaneInput::Disconnected("reset")), ["line down: reset", "no answer 1"]);
    assert!(rig.step(LaneInput::Bytes(&answer[40..])).is_empty(), "bytes of a lost line are nothing");
    assert_eq!(rig.sleep(), ["connect"]);
    assert_eq!(rig.step(LaneInput::Connected), ["line up"]);
    assert_eq!(rig.order(sale(2)), ["write 000002"]);
}

#[test]
fn a_late_answer_is_a_stray_that_says_what_it_means_and_never_the_next_ones() {
    let (mut rig, first) = Rig::asking(1);
    assert_eq!(rig.sleep(), ["no answer 1"]);
    assert_eq!(rig.order(sale(2)), ["write 000002"]);
    assert_eq!(rig.step(LaneInput::Bytes(&reply(&first, "00"))), ["stray Some(1): Some(Approved)"]);
    assert_eq!(rig.step(LaneInput::Bytes(&reply(&first, "00"))), ["stray Some(1): Some(Approved)"], "and again");
    assert!(rig.lane.busy(), "the second still waits");
}

#[test]
fn a_second_answer_is_a_stray() {
    let (mut rig, wire) = Rig::asking(1);
    let twice = [reply(&wire, "00"), reply(&wire, "00")].concat();
    assert_eq!(rig.step(LaneInput::Bytes(&twice)), ["answered 1: Approved", "stray Some(1): Some(Approved)"]);
}

#[test]
fn a_late_sale_is_not_the_answer_to_its_reversal() {
    let (mut rig, first) = Rig::asking(1);
    assert_eq!(rig.sleep(), ["no answer 1"]);
    let undo = payment(MessageName::Sale, crate::core::domain::Entry::Magstripe, None);
    let outputs =
        rig.raw(LaneInput::Order(Box::new(order(1, Outgoing::Reversal(Box::new(undo), ReversalReason::NoAnswer)))));
    let [LaneOutput::Write(reversal)] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(rig.step(LaneInput::Bytes(&reply(&first, "00"))), ["stray Some(1): Some(Approved)"]);
    assert_eq!(rig.step(LaneInput::Bytes(&reply(reversal, "25"))), ["answered 1: Approved"], "25 ends a reversal");
}

#[test]
fn an_answer_of_another_stan_is_not_ours() {
    let (mut rig, _) = Rig::asking(2);
    let (_, other) = Rig::asking(9);
    assert_eq!(
        rig.step(LaneInput::Bytes(&reply(&other, "00"))),
        ["stray Some(9): Some(Unknown)"],
        "nothing to hold it against"
    );
    assert!(rig.lane.busy());
}

#[test]
fn a_malformed_answer_is_kept_aside_and_the_right_one_still_comes() {
    let (mut rig, wire) = Rig::asking(1);
    let mut spoiled = reply(&wire, "00");
    spoiled[23] = 0xFF;
    assert_eq!(rig.step(LaneInput::Bytes(&spoiled)), ["stray None: None"]);
    assert_eq!(rig.step(LaneInput::Bytes(&reply(&wire, "00"))), ["answered 1: Approved"]);
}

#[test]
fn garbage_is_kept_aside_and_the_line_made_anew() {
    let (mut rig, _) = Rig::asking(1);
    let expected = ["stray None: None", "disconnect", "line down: the acquirer sent what is no frame", "no answer 1"];
    assert_eq!(rig.step(LaneInput::Bytes(b"HTTP/1.1 400 Bad Request\r\n")), expected);
    assert_eq!(rig.sleep(), ["connect"]);
}

#[test]
fn an_approval_with_a_wrong_mac_is_unknown() {
    let (mut rig, wire) = Rig::asking(1);
    let mut answer = reply(&wire, "00");
    *answer.last_mut().unwrap() ^= 1;
    let outputs = rig.raw(LaneInput::Bytes(&answer));
    let [LaneOutput::Report(Report::Answered { answer, .. })] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((answer.class, answer.doubt), (AnswerClass::Unknown, Some(Doubt::BadMac)));
}

#[test]
fn without_work_keys_nothing_is_sent_and_a_sign_on_brings_them() {
    let mut rig = Rig::connected();
    rig.keys.ready = false;
    assert_eq!(
        rig.order(sale(1)),
        ["note order 000001 could not be built: no work keys: sign on first", "not sent 1: NoKeys"]
    );
    let outputs = rig.raw(LaneInput::Order(Box::new(order(2, Outgoing::SignOn))));
    let [LaneOutput::Write(wire)] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!(rig.step(LaneInput::Bytes(&reply(wire, "00"))), ["answered 2: Approved"]);
    assert_eq!(rig.order(sale(3)), ["write 000003"]);
}

#[test]
fn a_late_sign_on_answer_changes_no_keys() {
    let mut rig = Rig::connected();
    rig.keys.ready = false;
    let outputs = rig.raw(LaneInput::Order(Box::new(order(2, Outgoing::SignOn))));
    let [LaneOutput::Write(wire)] = &outputs[..] else { panic!("{outputs:?}") };
    let answer = reply(wire, "00");
    assert_eq!(rig.sleep(), ["no answer 2"]);
    assert_eq!(rig.step(LaneInput::Bytes(&answer)), ["stray Some(2): Some(Approved)"]);
    assert!(!rig.keys.ready && rig.keys.blocks.is_empty());
}

#[test]
fn a_second_order_under_way_is_refused_and_harms_nothing() {
    let (mut rig, wire) = Rig::asking(1);
    assert_eq!(rig.order(sale(2))[1..], ["not sent 2: NoLine"]);
    assert_eq!(rig.step(LaneInput::Bytes(&reply(&wire, "00"))), ["answered 1: Approved"]);
}

#[test]
fn two_messages_without_a_sign_of_life_and_the_line_is_made_anew() {
    let (mut rig, _) = Rig::asking(1);
    assert_eq!(rig.sleep(), ["no answer 1"]);
    assert_eq!(rig.order(sale(2)), ["write 000002"]);
    assert_eq!(rig.sleep(), ["no answer 2", "disconnect", "line down: the line is dead: nothing was answered"]);
}

#[test]
fn pauses_double_up_to_their_bound_and_differ_between_terminals() {
    let pauses = |seed| {
        let mut rig = Rig::new(TIMES);
        rig.lane.jitter = Jitter(seed);
        rig.step(LaneInput::Tick);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            rig.step(LaneInput::Disconnected("refused"));
            pauses.push(rig.wake - rig.now);
            assert_eq!(rig.sleep(), ["connect"]);
        }
        pauses
    };
    for (index, pause) in pauses(1).into_iter().enumerate() {
        let base = (500u64 << index).min(30_000);
        assert!((base * 3 / 4..=base * 5 / 4).contains(&pause), "{index}: {pause}");
    }
    assert_eq!(pauses(1), pauses(1));
    assert_ne!(pauses(1), pauses(2));
}

#[test]
fn a_line_that_is_made_and_lost_at_once_is_not_made_ever_faster() {
    let mut rig = Rig::new(TIMES);
    rig.step(LaneInput::Tick);
    for _ in 0..8 {
        rig.step(LaneInput::Connected);
        rig.step(LaneInput::Disconnected("closed"));
        rig.sleep();
    }
    rig.step(LaneInput::Connected);
    rig.step(LaneInput::Disconnected("closed"));
    assert!(rig.wake - rig.now > 20_000);
}

#[test]
fn a_flood_of_strays_ends_the_connection() {
    let mut rig = Rig::connected();
    let (_, wire) = Rig::asking(9);
    let flood = reply(&wire, "00").repeat(100);
    let said = rig.step(LaneInput::Bytes(&flood));
    assert_eq!(said.iter().filter(|word| word.starts_with("stray")).count(), 32);
    assert_eq!(said[32], "disconnect");
}

#[test]
fn a_quiet_line_is_tried_by_an_echo() {
    let mut rig = Rig::new(LaneTimes { echo_ms: 30_000, ..TIMES });
    rig.step(LaneInput::Tick);
    rig.step(LaneInput::Connected);
    rig.now = rig.wake;
    let outputs = rig.raw(LaneInput::Tick);
    let [LaneOutput::Write(wire)] = &outputs[..] else { panic!("{outputs:?}") };
    assert!(!request(wire).has(11));
    assert!(rig.step(LaneInput::Bytes(&reply(wire, "00"))).is_empty());
    assert_eq!(rig.sleep(), ["write echo"]);
    assert_eq!(rig.order(sale(1)), ["write 000001"], "an echo is nothing to wait for");
    assert_eq!(rig.sleep(), ["no answer 1", "disconnect", "line down: the line is dead: the echo was not answered"]);
}

/// A host that answers no echo answers sales: the one that is under way when the echo's time ends is not reversed for it.
#[test]
fn an_echo_without_an_answer_ends_no_line_on_which_sales_are_answered() {
    let mut rig = Rig::new(LaneTimes { echo_ms: 60_000, ..TIMES });
    rig.step(LaneInput::Tick);
    rig.step(LaneInput::Connected);
    assert_eq!(rig.sleep(), ["write echo"]);
    rig.now += 50_000;
    let sell = |rig: &mut Rig, stan| match &rig.raw(LaneInput::Order(Box::new(sale(stan))))[..] {
        [LaneOutput::Write(wire)] => reply(wire, "00"),
        other => panic!("{other:?}"),
    };
    let first = sell(&mut rig, 1);
    assert_eq!(rig.step(LaneInput::Bytes(&first)), ["answered 1: Approved"]);
    rig.now += 8_000;
    let second = sell(&mut rig, 2);
    assert_eq!((rig.sleep(), rig.now), (vec![], 120_000));
    rig.now += 1_000;
    assert_eq!(rig.step(LaneInput::Bytes(&second)), ["answered 2: Approved"]);
    // What was heard before the next echo says nothing of the line after it.
    assert_eq!((rig.sleep(), rig.now), (vec!["write echo".to_owned()], 181_000));
    assert_eq!(rig.sleep(), ["disconnect", "line down: the line is dead: the echo was not answered"]);
}

/// A seeded host, line and shop. Everything that can go wrong does, by chance.
struct World {
    rig: Rig,
    random: u64,
    /// The connection stands, as the line sees it.
    up: bool,
    connecting: bool,
    /// Bytes on their way to the lane: due time, bytes.
    coming: Vec<(u64, Vec<u8>)>,
    written: Vec<u32>,
    ended: Vec<(u32, &'static str)>,
    line: Vec<bool>,
}

impl World {
    fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound
    }

    fn give(&mut self, input: LaneInput<'_>) {
        for output in self.rig.raw(input) {
            match output {
                LaneOutput::Connect => {
                    assert!(!self.up && !self.connecting, "one connection at a time");
                    self.connecting = true;
                }
                LaneOutput::Disconnect => self.cut(),
                LaneOutput::Write(wire) => self.host(&wire),
                LaneOutput::Report(report) => self.note(report),
                LaneOutput::Note(_) | LaneOutput::WakeAt(_) => {}
            }
        }
    }

    fn cut(&mut self) {
        (self.up, self.connecting) = (false, false);
        self.coming.clear();
    }

    /// Answers late, twice, never, spoiled, or with garbage.
    fn host(&mut self, wire: &[u8]) {
        assert!(self.up, "nothing is written without a line");
        self.written.push(request(wire).text(11).unwrap().parse().unwrap());
        let answer = reply(wire, "00");
        let mut at = self.rig.now + 1 + self.below(3_000);
        match self.below(8) {
            0 => return,
            1 => at += 9_000,
            2 => self.coming.push((at + self.rig.now % 997, answer.clone())),
            3 => {
                let mut spoiled = answer.clone();
                let index = self.below(spoiled.len() as u64) as usize;
                spoiled[index] ^= 1 << self.below(8);
                return self.coming.push((at, spoiled));
            }
            4 => self.coming.push((at / 2 + self.rig.now / 2, vec![0xFF; 9])),
            _ => {}
        }
        self.coming.push((at, answer));
    }

    fn note(&mut self, report: Report) {
        match report {
            Report::LineUp => self.line.push(true),
            Report::LineDown { .. } => self.line.push(false),
            Report::NotSent { stan, .. } => self.ended.push((stan.0, "not sent")),
            Report::NoAnswer { stan } => self.ended.push((stan.0, "no answer")),
            Report::Answered { stan, answer } => {
                if answer.class == AnswerClass::Approved {
                    assert_eq!(answer.rrn, Some(format!("{:012}", stan.0)), "an answer of its own");
                }
                self.ended.push((stan.0, "answered"));
            }
            Report::Stray { .. } => {}
        }
    }

    /// Lets the next thing happen.
    fn turn(&mut self) {
        self.coming.sort();
        let due = self.coming.first().map_or(u64::MAX, |(at, _)| *at);
        if self.connecting && self.chance(2) {
            self.rig.now += self.below(2_000);
            self.connecting = false;
            if self.rig.now >= self.rig.wake || self.chance(3) {
                return self.give(LaneInput::Disconnected("refused"));
            }
            self.up = true;
            return self.give(LaneInput::Connected);
        }
        if self.up && self.chance(15) {
            self.cut();
            return self.give(LaneInput::Disconnected("reset"));
        }
        if due < u64::MAX && due <= self.rig.wake {
            self.rig.now = self.rig.now.max(due);
            let (_, bytes) = self.coming.remove(0);
            let at = self.below(bytes.len() as u64) as usize;
            self.give(LaneInput::Bytes(&bytes[..at]));
            // the rest comes only if the lane still has this connection
            if self.up {
                self.give(LaneInput::Bytes(&bytes[at..]));
            }
            return;
        }
        self.rig.now = self.rig.wake.min(self.rig.now + 60_000);
        self.give(LaneInput::Tick);
    }
}

fn conversation(seed: u64) {
    let mut rig = Rig::new(LaneTimes { answer_ms: 5_000, ..TIMES });
    rig.lane.jitter = Jitter(seed);
    let (up, connecting) = (false, false);
    let random = seed | 1;
    let mut world = World { rig, random, up, connecting, coming: vec![], written: vec![], ended: vec![], line: vec![] };
    world.give(LaneInput::Tick);
    for stan in 1..=30 {
        for _ in 0..world.below(4) {
            world.turn();
        }
        let begun = world.rig.now;
        world.give(LaneInput::Order(Box::new(sale(stan))));
        let mut turns = 0;
        while world.rig.lane.busy() {
            world.turn();
            turns += 1;
            assert!(turns < 1_000, "an order that never ends");
        }
        assert!(world.rig.now - begun <= TIMES.connect_ms + 5_000 + 2_000, "an order that takes too long");
        assert_eq!(world.ended.last().map(|(ended, _)| *ended), Some(stan), "ends as itself");
    }
    for stan in 1..=30 {
        let ends: Vec<_> = world.ended.iter().filter(|(ended, _)| *ended == stan).collect();
        let writes = world.written.iter().filter(|written| **written == stan).count();
        assert_eq!(ends.len(), 1, "each order ends exactly once");
        assert_eq!(writes, usize::from(ends[0].1 != "not sent"), "written once, or not sent: {ends:?}");
    }
    assert!(world.line.windows(2).all(|pair| pair[0] != pair[1]), "line reports on change only");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn whatever_fails_every_order_ends_once_and_as_itself(seed in any::<u64>()) {
        conversation(seed);
    }

    #[test]
    fn any_bytes_at_all_are_survived(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 1..8)) {
        let (mut rig, _) = Rig::asking(1);
        for chunk in chunks {
            rig.step(LaneInput::Bytes(&chunk));
        }
    }
}
