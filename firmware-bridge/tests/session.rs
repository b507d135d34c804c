//! A host and a bridge, line by line: what is asked, what is answered, and what is known when something goes wrong between.
#![allow(clippy::unwrap_used, clippy::panic)]

mod rig;

use proptest::prelude::*;
use rig::{Rig, about, bench, hex};
use tilld_bridge::bridge::{Bridge, turn};
use tilld_bridge::host::{Event, Failure, Gone, SendError, mac_requests};
use tilld_bridge::keys::Limits;
use tilld_bridge::link::{Body, Timing, body_of};
use tilld_bridge::store::Ram;
use tilld_bridge::wire::{
    Aside, Blob, Decoder, Frame, Hello, Kind, Level, MAX_BODY, MAX_CHUNK, MAX_WIRE, MacMethod, Mark, Notice, Refusal,
    Reply, Request, Secret, Text,
};

const MASTER: &str = "70F2A84CCBC2AE8625CBB0F2C22AB923";
const BLOCK_60: &str = "0AC9D63C50D2A03A3608E757C69595E7900ECCE32714CEED9065DDBEDB79220E900BC954F5EF4D384C555721128EF42B482EF01EB4BA66AF08D7B4FB";
const PIK: &str = "d931648f3de313a4a22c15dca4f4299e";
const MAK: &str = "1122334455667788AABBCCDDEEFF0011";
const TDK: &str = "0123456789ABCDEFFEDCBA9876543210";
const FRAME: &str = "02003020048000C08015000000000000001234000002030099303030303030303139353237313831383232313738373531353600192600000100060000000000435F01123238343431323334353637383930313233345F03063136303033365F04063230303832365C023031";

fn load_master() -> Request {
    Request::LoadMaster {
        key: Secret::new(&hex(MASTER)).unwrap(),
        check: [0x47, 0xF8, 0x16, 0x83],
        code: Secret::new(b"2468").unwrap(),
    }
}

fn load_work() -> Request {
    Request::LoadWork { block: heapless::Vec::from_slice(&hex(BLOCK_60)).unwrap() }
}

fn pan() -> Secret<19> {
    Secret::new(b"6222021234567890128").unwrap()
}

fn ping(text: &[u8]) -> Request {
    Request::Ping(Blob::from_slice(text).unwrap())
}

#[test]
fn a_whole_sale_with_keys_that_only_the_bridge_holds() {
    let mut rig = Rig::new().up();
    assert_eq!(rig.ask(load_master()), Reply::Done);
    assert_eq!(rig.ask(load_work()), Reply::Done);
    rig.ask(Request::Display { row: 0, text: Text::from_slice(b"\xBA\xCF\xBC\xC6 12.30").unwrap() });
    assert_eq!(rig.bench.rows[0], b"\xBA\xCF\xBC\xC6 12.30"[..]);
    assert_eq!(rig.ask(Request::ArmReader { seconds: 60 }), Reply::Done);
    let track2 = rig.until(1000, |e| match e {
        Event::Notice(Notice::Swipe { track2 }) => Some(track2),
        _ => None,
    });
    assert_eq!(track2.expose(), b"6222021234567890128=30121010000012300000");
    rig.bench.pin = Secret::new(b"907531");
    let block = rig.ask(Request::EnterPin { pan: pan(), seconds: 60 });
    assert_eq!(block, Reply::PinBlock(hex("4C0A925D577DC92E").try_into().unwrap()));
    assert!(rig.bench.rows[3].is_empty(), "the stars are gone");
    let frame = hex(FRAME);
    let (front, back) = frame.split_at(60);
    let mac = |offset, last, data| Request::Mac {
        method: MacMethod::Ecb,
        offset,
        last,
        data: Blob::from_slice(data).unwrap(),
    };
    assert_eq!(rig.ask(mac(0, false, front)), Reply::Done);
    assert_eq!(rig.ask(mac(60, true, back)), Reply::Mac(*b"F275A1D1"));
    let data = Secret::new(&(0..16).collect::<Vec<u8>>()).unwrap();
    assert_eq!(
        rig.ask(Request::Track { data }),
        Reply::Cipher(Blob::from_slice(&hex("52C5C0705D9089E1DECFC0F111152B12")).unwrap())
    );
    assert_eq!(rig.ask(Request::Drawer { drawer: 0, pulse_ms: 100 }), Reply::Done);
    let again = rig.ask(Request::Drawer { drawer: 0, pulse_ms: 100 });
    assert!(matches!(again, Reply::Refused(Refusal::TooSoon { .. })), "{again:?}");
    assert_eq!(rig.bench.opened, 1);

    // Keys never leave, nor does the typed PIN: not one of them stands in anything that the bridge ever said.
    for secret in [hex(MASTER), hex(PIK), hex(MAK), hex(TDK), b"907531".to_vec(), b"2468".to_vec()] {
        assert!(!rig.said.windows(secret.len()).any(|w| w == secret));
    }
}

#[test]
fn a_pin_from_the_host_is_taken_only_where_the_bridge_allows_it() {
    let request = || Request::PinBlock { pin: Secret::new(b"123456").unwrap(), pan: pan() };
    let mut rig = Rig::new().up();
    assert_eq!(rig.ask(request()), Reply::Refused(Refusal::NotHere));
    let limits = Limits { host_pin: true, ..Limits::default() };
    let mut rig = Rig::speaking(Hello::ours(), Hello::ours(), limits).up();
    rig.ask(load_master());
    assert_eq!(rig.ask(request()), Reply::Refused(Refusal::NoWork));
    rig.ask(load_work());
    assert_eq!(rig.ask(request()), Reply::PinBlock(hex("99F69947A3431A9F").try_into().unwrap()));
}

#[test]
fn an_older_bridge_is_not_asked_what_it_cannot_know() {
    let old = Hello { min: 1, current: 1 };
    let mut rig = Rig::speaking(Hello::ours(), old, Limits::default()).up();
    assert_eq!(rig.host.version(), Some(1));
    assert_eq!(rig.host.send(load_master(), 100, rig.now), Err(SendError::Version { bridge: 1, needs: 2 }));
    assert_eq!(rig.ask(ping(b"x")), Reply::Pong(Blob::from_slice(b"x").unwrap()));
}

#[test]
fn an_older_host_is_not_told_what_it_cannot_read() {
    let old = Hello { min: 1, current: 1 };
    let mut rig = Rig::speaking(old, Hello::ours(), Limits::default()).up();
    rig.ask(Request::ArmReader { seconds: 2 });
    // The swipe is of version 2: for this host no card came.
    let told = rig.until(3000, |e| match e {
        Event::Notice(notice) => Some(notice),
        _ => None,
    });
    assert_eq!(told, Notice::NoCard);
    assert_eq!(rig.host.stats().not_understood, 0);
}

#[test]
fn ends_without_a_common_version_say_so_and_have_no_session() {
    let mut rig = Rig::speaking(Hello { min: 3, current: 4 }, Hello::ours(), Limits::default());
    let seen = rig.until(1000, |e| match e {
        Event::Incompatible { min, current } => Some((min, current)),
        _ => None,
    });
    assert_eq!(seen, (1, 2));
    assert_eq!(rig.host.send(ping(b""), 1, rig.now), Err(SendError::Down));
}

#[test]
fn a_restarted_bridge_leaves_what_was_sent_unanswered_and_what_was_not_unsent() {
    let mut rig = Rig::new().up();
    rig.plugged = false;
    let sent = rig.host.send(ping(b"1"), 60_000, rig.now).unwrap();
    rig.tick();
    let waiting = rig.host.send(ping(b"2"), 60_000, rig.now).unwrap();
    rig.restart_bridge();
    rig.plugged = true;
    rig.until(2000, |e| (e == Event::Down(Gone::Restarted)).then_some(()));
    let mut ends = Vec::new();
    rig.until(2000, |e| {
        if let Event::Failed { id, failure } = e {
            ends.push((id, failure));
        }
        (ends.len() == 2).then_some(())
    });
    ends.sort_by_key(|(id, _)| *id);
    assert_eq!(ends, [(sent, Failure::Unanswered), (waiting, Failure::NotSent)]);
    rig.until(2000, |e| matches!(e, Event::Up { .. }).then_some(()));
    assert_eq!(rig.ask(ping(b"3")), Reply::Pong(Blob::from_slice(b"3").unwrap()));
}

#[test]
fn a_silent_bridge_is_gone_and_comes_back() {
    let mut rig = Rig::new().up();
    rig.plugged = false;
    rig.until(5000, |e| (e == Event::Down(Gone::Silent)).then_some(()));
    rig.plugged = true;
    rig.until(5000, |e| matches!(e, Event::Up { .. }).then_some(()));
}

#[test]
fn a_late_answer_is_late_and_not_another_requests() {
    let mut rig = Rig::new().up();
    let asked = rig.host.send(Request::EnterPin { pan: pan(), seconds: 1 }, 5, rig.now).unwrap();
    rig.bench.pin = None;
    rig.ask(load_master());
    rig.ask(load_work());
    let asked_again = rig.host.send(Request::EnterPin { pan: pan(), seconds: 1 }, 5, rig.now).unwrap();
    let mut seen = Vec::new();
    rig.until(3000, |e| {
        seen.extend(match e {
            Event::Failed { id, failure } => Some((id, format!("{failure:?}"))),
            Event::Late { id, reply } => Some((id, format!("{reply:?}"))),
            _ => None,
        });
        seen.iter().any(|(id, what)| *id == asked_again && what.contains("TimedOut")).then_some(())
    });
    assert!(seen.contains(&(asked_again, "Unanswered".into())), "{seen:?} {asked}");
}

/// The cashier starts over while the customer of the first payment types: the pad is the second one's.
#[test]
fn a_younger_payment_takes_the_pin_pad_over() {
    let mut rig = Rig::new().up();
    rig.ask(load_master());
    rig.ask(load_work());
    let cancelled = |rig: &mut Rig, entry| {
        rig.until(1_000, |e| match e {
            Event::Answer { id, reply } if id == entry => Some(reply),
            _ => None,
        }) == Reply::Refused(Refusal::Cancelled)
    };
    let enter = |rig: &mut Rig| rig.host.send(Request::EnterPin { pan: pan(), seconds: 30 }, 32_000, rig.now).unwrap();
    rig.bench.pin = None;
    let (first, second) = (enter(&mut rig), enter(&mut rig));
    assert!(cancelled(&mut rig, first), "by the second card");
    assert_eq!(rig.ask(Request::ArmReader { seconds: 0 }), Reply::Done, "to stop looking for a card ends nothing");
    let armed = rig.host.send(Request::ArmReader { seconds: 60 }, 2_000, rig.now).unwrap();
    assert!(cancelled(&mut rig, second) && armed != second, "by the third payment");
    rig.bench.pin = Secret::new(b"907531");
    let block = rig.ask(Request::EnterPin { pan: pan(), seconds: 30 });
    assert_eq!(block, Reply::PinBlock(hex("4C0A925D577DC92E").try_into().unwrap()));
    assert!(rig.events().is_empty(), "each is answered once");
}

#[test]
fn a_host_that_goes_away_leaves_no_reader_armed_and_no_pin_half_typed() {
    let mut rig = Rig::new().up();
    rig.bench.track2 = None;
    rig.bench.pin = None;
    rig.ask(load_master());
    rig.ask(load_work());
    rig.ask(Request::ArmReader { seconds: 200 });
    rig.host.send(Request::EnterPin { pan: pan(), seconds: 200 }, 200_000, rig.now).unwrap();
    for _ in 0..50 {
        rig.tick();
    }
    let mut bridge = rig.bridge;
    let mut asked = Vec::new();
    for now in rig.now..rig.now + 4000 {
        asked.extend(bridge.step(&[], now).into_iter().map(|a| a.act));
        let mut out = [0; MAX_WIRE];
        while bridge.transmit(now, &mut out) > 0 {}
    }
    use tilld_bridge::bridge::Act;
    assert!(!bridge.is_up());
    assert!(asked.contains(&Act::Reader(false)) && asked.contains(&Act::Keypad(false)), "{asked:?}");
}

#[test]
fn a_mac_over_any_length_is_asked_for_in_pieces() {
    let mut rig = Rig::new().up();
    rig.ask(load_master());
    rig.ask(load_work());
    // Zeros change neither XOR nor padding: each length has the MAC of nothing.
    let nothing = rig.ask(mac_requests(MacMethod::Ecb, &[]).next().unwrap());
    for len in [1, 8, MAX_CHUNK, MAX_CHUNK + 1, 2 * MAX_CHUNK, 1000] {
        let mut replies: Vec<Reply> = mac_requests(MacMethod::Ecb, &vec![0; len]).map(|r| rig.ask(r)).collect();
        assert_eq!(replies.pop(), Some(nothing.clone()), "{len}");
        assert!(replies.len() == (len - 1) / MAX_CHUNK && replies.iter().all(|r| *r == Reply::Done), "{len}");
    }
    let frame = hex(FRAME);
    let replies: Vec<Reply> = mac_requests(MacMethod::Ecb, &frame).map(|r| rig.ask(r)).collect();
    assert_eq!(replies, [Reply::Mac(*b"F275A1D1")]);
}

#[test]
fn the_mark_only_rises() {
    let mut rig = Rig::new().up();
    let mark = |sequence| Mark { tid: *b"12345678", sequence, batch: 1, stan: 7 };
    assert_eq!(rig.ask(Request::ReadMark { tid: *b"12345678" }), Reply::Mark(None));
    assert_eq!(rig.ask(Request::PutMark(mark(10))), Reply::Done);
    assert_eq!(rig.ask(Request::PutMark(mark(9))), Reply::Refused(Refusal::MarkBehind { stored: 10 }));
    assert_eq!(rig.ask(Request::ReadMark { tid: *b"12345678" }), Reply::Mark(Some(mark(10))));
}

#[test]
fn what_was_logged_before_the_host_came_is_heard_and_the_lost_are_seen_by_their_numbers() {
    let mut rig = Rig::new();
    for n in 0..9 {
        rig.bridge.log(Level::Info, &format!("line {n}"));
    }
    let mut rig = rig.up();
    rig.bridge.log(Level::Warn, "钱箱开着".repeat(20).as_str());
    let mut lines = Vec::new();
    rig.until(1000, |e| {
        if let Event::Aside(Aside::Log { number, line, .. }) = e {
            lines.push((number, line.len()));
        }
        (lines.len() == 5).then_some(())
    });
    assert_eq!(lines, [(0, 6), (1, 6), (2, 6), (3, 6), (9, 78)]);
}

#[test]
fn ten_thousand_round_trips_with_one_frame_in_a_hundred_spoiled() {
    let mut rig = Rig::new().up();
    let mut spoiled = [0_u32; 2];
    let (mut a, mut b) = (0_u32, 50_u32);
    rig.to_bridge = Box::new(move |frame| spoil(frame, &mut a));
    rig.to_host = Box::new(move |frame| spoil(frame, &mut b));
    for n in 0..10_000_u32 {
        let data = [&n.to_le_bytes()[..], &[0xA5; 28]].concat();
        assert_eq!(rig.ask(ping(&data)), Reply::Pong(Blob::from_slice(&data).unwrap()), "{n}");
    }
    for (n, end) in [
        rig.host.stats(),
        match rig.ask(Request::Stats) {
            Reply::Stats(stats) => stats,
            other => panic!("{other:?}"),
        },
    ]
    .iter()
    .enumerate()
    {
        spoiled[n] = end.spoiled;
        assert_eq!((end.not_understood, end.lost), (0, 0));
    }
    assert!(spoiled.iter().all(|n| *n > 150), "{spoiled:?}");
}

/// Each hundredth frame has a byte in its middle turned.
fn spoil(frame: &[u8], count: &mut u32) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    *count += 1;
    if count.is_multiple_of(100) {
        let at = bytes.len() / 2;
        bytes[at] ^= 0x40;
    }
    bytes
}

/// Everything that a bridge says to these frames of a host, without a host.
fn said_to(frames: &[Vec<u8>], bridge: &mut Bridge<Ram>) -> Vec<(Kind, Vec<u8>)> {
    let mut desk = bench();
    let mut decoder = Decoder::new();
    let mut said = Vec::new();
    for (n, frame) in frames.iter().enumerate() {
        turn(bridge, &mut desk, frame, n as u64, |out| {
            for b in out {
                if let Some(Ok(f)) = decoder.feed(*b) {
                    said.push((f.kind, f.body.to_vec()));
                }
            }
        });
    }
    said
}

fn frame(kind: Kind, version: u8, seq: u16, body: &[u8]) -> Vec<u8> {
    let mut out = [0; MAX_WIRE];
    let n = Frame { kind, version, session: 5, seq, body }.emit(&mut out).unwrap();
    out[..n].to_vec()
}

fn fresh() -> Bridge<Ram> {
    Bridge::new(about(), Timing::default(), Limits::default(), Ram::default())
}

#[test]
fn a_request_of_the_future_is_refused_by_its_number() {
    let frames = [frame(Kind::Hello, 0, 0, &[1, 2]), frame(Kind::Data, 2, 0, &[9, 200, 1, 2, 3])];
    let said = said_to(&frames, &mut fresh());
    // Answer 9: refused (5), not understood (0).
    assert!(said.contains(&(Kind::Data, vec![0, 9, 5, 0])), "{said:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_body_harms_a_bridge(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..=MAX_BODY), 1..20)) {
        let mut frames = vec![frame(Kind::Hello, 0, 0, &[1, 2])];
        frames.extend(bodies.iter().enumerate().map(|(n, body)| frame(Kind::Data, 2, n as u16, body)));
        let said = said_to(&frames, &mut fresh());
        prop_assert!(said.len() <= 4 * frames.len() + 8);
    }

    #[test]
    fn no_bytes_harm_a_bridge_or_a_host(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let mut bridge = fresh();
        let said = said_to(&[frame(Kind::Hello, 0, 0, &[1, 2]), bytes.clone()], &mut bridge);
        prop_assert!(said.len() < 8);
        let mut rig = Rig::new().up();
        rig.host.push(&bytes, rig.now);
        prop_assert_eq!(rig.ask(ping(b"still there")), Reply::Pong(Blob::from_slice(b"still there").unwrap()));
    }
}

#[test]
fn the_longest_messages_fit_a_frame() {
    let blob = Blob::from_slice(&[0xFF; MAX_CHUNK]).unwrap();
    let mut rig = Rig::new().up();
    assert_eq!(rig.ask(Request::Ping(blob.clone())), Reply::Pong(blob.clone()));
    let mac = Request::Mac { method: MacMethod::Cbc, offset: u32::MAX, last: true, data: blob };
    let body: Option<Body> = body_of(&tilld_bridge::wire::ToBridge { id: u16::MAX, request: mac });
    assert!(body.is_some());
    let line = Aside::Log { level: Level::Debug, number: u32::MAX, line: "x".repeat(80).as_str().try_into().unwrap() };
    assert!(body_of(&line).is_some());
}
