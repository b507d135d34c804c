//! The spool against answers written out by hand, and against any order of events.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{HashMap, HashSet};

use super::*;
use proptest::prelude::*;

const CLEAN: [u8; 8] = [0x12, 0x12, 0x12, 0x12, 0x10, 0, 0, 0];

fn job(id: u64) -> Job {
    Job {
        id: JobId(id),
        title: format!("job {id}"),
        bytes: format!("ORIG{id}\n").into_bytes(),
        reprint_bytes: Some(format!("AGAIN{id}\n").into_bytes()),
        started_before: false,
        deadline: None,
    }
}

fn profile() -> Profile {
    Profile::named("generic-80").unwrap()
}

/// A spool and a shell that hands everything to the kernel at once and makes starts durable at once.
struct Bench {
    spool: Spool,
    now: u64,
    wrote: Vec<u8>,
    seen: Vec<Output>,
}

impl Bench {
    fn new(profile: Profile) -> Self {
        let mut bench = Self { spool: Spool::new(profile, 0), now: 0, wrote: vec![], seen: vec![] };
        bench.input(Input::PortOpened);
        bench
    }

    fn input(&mut self, input: Input) {
        let mut todo = VecDeque::from([input]);
        while let Some(input) = todo.pop_front() {
            for output in self.spool.step(self.now, input) {
                match &output {
                    Output::Write(bytes) => {
                        self.wrote.extend(bytes);
                        todo.push_back(Input::Written(bytes.len()));
                    }
                    Output::Started(id) => todo.push_back(Input::StartedDurable(*id)),
                    _ => {}
                }
                if !matches!(output, Output::WakeAt(_) | Output::Write(_)) {
                    self.seen.push(output);
                }
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.input(Input::Bytes(bytes.to_vec()));
    }

    /// Answers a round of questions, ASB and the mark behind them.
    fn well(&mut self) {
        self.bytes(&CLEAN);
        self.bytes(&[0]);
    }

    /// The same, and then the quiet that a repeat waits for: answers to the print before it may be under way.
    fn well_and_quiet(&mut self) {
        self.well();
        self.later(5_500);
    }

    fn later(&mut self, ms: u64) {
        for _ in 0..ms / 500 {
            self.now += 500;
            self.input(Input::Tick);
        }
    }

    fn seen(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.seen)
    }

    fn times(&self, text: &str) -> usize {
        self.wrote.windows(text.len()).filter(|w| *w == text.as_bytes()).count()
    }
}

fn done(id: u64, proof: Proof, reprint: bool) -> Output {
    Output::Done { id: JobId(id), proof, reprint }
}

#[test]
fn asked_started_sent_and_done_when_the_printer_says_so() {
    let mut b = Bench::new(profile());
    b.well();
    b.input(Input::Job(job(1)));
    assert_eq!(b.seen(), [], "not started before it has said that it is well");
    b.well();
    assert_eq!(b.seen(), [Output::Started(JobId(1))]);
    assert!(b.wrote.ends_with(b"ORIG1\n\x1dr1"));
    b.later(5_000);
    assert_eq!(b.seen(), []);
    b.bytes(&[0]);
    assert_eq!(b.seen(), [done(1, Proof::Processed, false)]);
}

#[test]
fn nothing_leaves_before_the_start_is_durable() {
    let mut s = Spool::new(profile(), 0);
    s.step(0, Input::PortOpened);
    s.step(0, Input::Job(job(1)));
    s.step(0, Input::Written(1000));
    let mut outs = s.step(1, Input::Bytes(CLEAN.to_vec()));
    outs.extend(s.step(1, Input::Bytes(vec![0])));
    assert!(outs.contains(&Output::Started(JobId(1))));
    for t in 2..100 {
        let outs = s.step(t * 1000, Input::Tick);
        assert!(!outs.iter().any(|o| matches!(o, Output::Write(_))), "{outs:?}");
    }
    let outs = s.step(200_000, Input::StartedDurable(JobId(1)));
    assert!(matches!(&outs[0], Output::Write(w) if w == b"ORIG1\n"));
}

#[test]
fn a_process_id_is_the_better_proof_and_a_model_without_one_still_ends() {
    let p = Profile::named("epson-tm").unwrap();
    let mut b = Bench::new(p);
    b.well();
    b.input(Input::Job(job(1)));
    b.well();
    b.seen();
    let at = b.wrote.windows(7).rposition(|w| w == [0x1D, 0x28, 0x48, 6, 0, 0x30, 0x30]).unwrap();
    let id = b.wrote[at + 7..at + 11].to_vec();
    b.bytes(&[0x37, 0x22, b'z', b'z', b'z', b'z', 0]);
    assert_eq!((b.seen(), b.spool.view().counters.strays), (vec![], 1));
    b.bytes(&[&[0x37, 0x22], &id[..], &[0]].concat());
    assert_eq!(b.seen(), [done(1, Proof::ProcessId, false)]);

    b.input(Input::Job(job(2)));
    b.bytes(&[0]);
    b.well();
    b.seen();
    b.bytes(&[0]);
    for _ in 0..10 {
        b.later(2_000);
        b.bytes(&[0x12; 4]);
    }
    assert_eq!(b.seen(), [done(2, Proof::Processed, false)]);
}

#[test]
fn paper_out_before_a_job_waits_and_says_so() {
    let mut b = Bench::new(profile());
    b.well();
    b.input(Input::Job(job(1)));
    b.bytes(&[0x1A, 0x12, 0x12, 0x72]);
    assert_eq!(b.seen(), [Output::Attention(Attention::PaperOut)]);
    b.later(60_000);
    assert_eq!(b.times("ORIG1"), 0);
    // The cashier presses Continue too early: it is asked, and says the same.
    b.input(Input::Resume);
    b.bytes(&[0x1A, 0x12, 0x12, 0x72]);
    b.later(3_000);
    b.bytes(&[0x12; 4]);
    assert_eq!(
        b.seen()[..],
        [
            Output::Attention(Attention::NoAnswer),
            Output::Clear(Attention::NoAnswer),
            Output::Clear(Attention::PaperOut)
        ]
    );
    b.well();
    // The questions that waited behind the paper are answered too, and then the job.
    b.bytes(&[0, 0]);
    b.bytes(&[0]);
    assert_eq!(b.seen().last(), Some(&done(1, Proof::Processed, false)));
    assert_eq!((b.times("ORIG1"), b.times("AGAIN1")), (1, 0));
}

/// A drawer pulse that has no use after 10 s.
fn pulse(id: u64) -> Job {
    Job { reprint_bytes: None, deadline: Some(10_000), ..job(id) }
}

#[test]
fn a_drawer_pulse_that_waits_for_paper_ends_at_its_deadline_and_never_goes_out() {
    let mut b = Bench::new(profile());
    b.well();
    b.input(Input::Job(pulse(1)));
    b.input(Input::Job(pulse(2)));
    b.input(Input::Job(job(3)));
    b.bytes(&[0x1A, 0x12, 0x12, 0x72]);
    b.later(9_500);
    assert_eq!(b.seen(), [Output::Attention(Attention::PaperOut)]);
    b.later(500);
    assert_eq!(b.seen(), [Output::Expired(JobId(1)), Output::Expired(JobId(2))]);
    // What the cashier sees is still true, and the printer is still asked.
    assert_eq!((b.spool.view().phase, b.spool.view().counters.expired), ("waiting", 2));
    b.bytes(&CLEAN);
    b.well();
    (0..4).for_each(|_| b.bytes(&[0]));
    assert_eq!(b.seen().last(), Some(&done(3, Proof::Processed, false)));
    assert_eq!((b.times("ORIG1"), b.times("ORIG2"), b.times("ORIG3")), (0, 0, 1));
}

#[test]
fn a_drawer_pulse_for_a_printer_that_is_away_ends_by_time_alone_and_one_that_left_is_not_taken_back() {
    let mut s = Spool::new(profile(), 0);
    let outs = s.step(0, Input::Job(pulse(1)));
    assert_eq!(outs.last(), Some(&Output::WakeAt(10_000)));
    assert_eq!(s.step(10_000, Input::Tick)[0], Output::Expired(JobId(1)));
    let late = s.step(10_001, Input::Job(pulse(2)));
    assert_eq!(late[0], Output::Expired(JobId(2)), "too late when it came");

    let mut b = Bench::new(profile());
    b.input(Input::Job(pulse(1)));
    b.well();
    b.seen();
    assert_eq!(b.times("ORIG1"), 1);
    b.later(12_000);
    b.bytes(&[0]);
    assert_eq!(b.seen(), [done(1, Proof::Processed, false)]);
}

#[test]
fn a_port_lost_in_the_middle_means_the_mark_and_a_blink_no_alarm() {
    let mut b = Bench::new(profile());
    b.input(Input::Job(job(1)));
    b.well();
    b.input(Input::PortLost);
    b.later(14_000);
    b.input(Input::PortOpened);
    b.well_and_quiet();
    assert_eq!(b.seen(), [Output::Started(JobId(1)), Output::Repeating { id: JobId(1), attempt: 1 }]);
    b.bytes(&[0]);
    assert_eq!(b.seen(), [done(1, Proof::Processed, true)]);
    assert_eq!((b.times("ORIG1"), b.times("AGAIN1")), (1, 1));
    b.input(Input::PortLost);
    b.later(16_000);
    assert_eq!(b.seen(), [Output::Attention(Attention::Unplugged)]);
}

#[test]
fn a_job_of_an_earlier_run_is_printed_with_the_mark_and_a_drawer_pulse_never_again() {
    let mut b = Bench::new(profile());
    b.well();
    b.input(Input::Job(Job { started_before: true, reprint_bytes: None, ..job(1) }));
    b.input(Input::Job(Job { started_before: true, ..job(2) }));
    b.well_and_quiet();
    b.bytes(&[0]);
    assert_eq!(b.seen(), [Output::Doubtful(JobId(1)), done(2, Proof::Processed, true)]);
    assert_eq!((b.times("ORIG1"), b.times("ORIG2"), b.times("AGAIN2")), (0, 0, 1));
}

#[test]
fn a_lost_proof_is_asked_for_again_before_it_is_judged() {
    let mut b = Bench::new(profile());
    b.input(Input::Job(job(1)));
    b.well();
    b.seen();
    // It lives, and the answer behind the job does not come (it was switched off and on).
    for _ in 0..7 {
        b.later(2_000);
        b.bytes(&[0x12; 4]);
    }
    assert_eq!(b.times("AGAIN1"), 0, "not judged before 15 s");
    for _ in 0..4 {
        b.later(2_000);
        b.bytes(&[0x12; 4]);
    }
    b.bytes(&[0]);
    assert_eq!(b.seen(), [], "one answer to two questions proves nothing");
    for _ in 0..8 {
        b.later(2_000);
        b.bytes(&[0x12; 4]);
    }
    assert_eq!(b.seen(), [Output::Repeating { id: JobId(1), attempt: 1 }]);
    b.well_and_quiet();
    b.bytes(&[0]);
    assert_eq!(b.seen(), [done(1, Proof::Processed, true)]);
}

#[test]
fn two_answers_to_two_questions_are_only_late() {
    let mut b = Bench::new(profile());
    b.input(Input::Job(job(1)));
    b.well();
    for _ in 0..10 {
        b.later(2_000);
        b.bytes(&[0x12; 4]);
    }
    b.seen();
    b.bytes(&[0, 0]);
    assert_eq!(b.seen(), [done(1, Proof::Processed, false)]);
}

#[test]
fn silence_is_said_after_fifteen_seconds_and_a_half_eaten_command_is_flushed() {
    let mut b = Bench::new(profile());
    b.later(4_500);
    assert!(b.wrote.len() > 8192 && b.wrote.windows(8192).any(|w| w.iter().all(|x| *x == 0)));
    b.later(10_000);
    assert_eq!(b.seen(), []);
    b.later(5_000);
    assert_eq!(b.seen(), [Output::Attention(Attention::NoAnswer)]);
    b.well();
    assert_eq!(b.seen(), [Output::Clear(Attention::NoAnswer)]);
    assert_eq!(b.spool.view().counters.flushes, 1);
}

#[test]
fn models_that_say_less_are_believed_less() {
    let mut b = Bench::new(Profile::named("mute-58").unwrap());
    b.input(Input::Job(job(1)));
    assert_eq!(b.seen(), [Output::Started(JobId(1)), done(1, Proof::Unproven, false)]);
    let mut b = Bench::new(Profile::named("status-58").unwrap());
    b.bytes(&[0x12; 4]);
    b.input(Input::Job(job(1)));
    b.bytes(&[0x12; 4]);
    assert_eq!(b.seen(), [Output::Started(JobId(1))]);
    b.bytes(&[0x12; 4]);
    assert_eq!(b.seen(), [done(1, Proof::Status, false)]);
}

#[test]
fn after_three_repeats_a_person_decides() {
    let mut b = Bench::new(profile());
    b.input(Input::Job(job(1)));
    for _ in 0..5 {
        b.well_and_quiet();
        b.input(Input::PortLost);
        b.input(Input::PortOpened);
    }
    b.well_and_quiet();
    assert_eq!(b.times("AGAIN1"), 3);
    assert_eq!(b.seen().last(), Some(&Output::Attention(Attention::Unproven)));
    b.later(100_000);
    assert_eq!(b.times("AGAIN1"), 3);
    b.input(Input::Resume);
    b.well_and_quiet();
    b.bytes(&[0]);
    assert_eq!((b.times("ORIG1"), b.times("AGAIN1")), (1, 4));
    assert_eq!(b.seen().last(), Some(&done(1, Proof::Processed, true)));
}

#[test]
fn no_more_is_under_way_than_the_buffer_holds() {
    let mut b = Bench::new(profile());
    b.well();
    let before = b.wrote.len();
    let text: Vec<u8> = (0..300).flat_map(|i| format!("line {i:040}\n").into_bytes()).collect();
    b.input(Input::Job(Job { bytes: text.clone(), ..job(1) }));
    b.well();
    let sent = b.wrote.len() - before;
    assert!((2000..=3072 + 200).contains(&sent), "{sent}");
    for _ in 0..100 {
        b.bytes(&[0]);
    }
    assert_eq!(b.seen().last(), Some(&done(1, Proof::Processed, false)));
    let marks: Vec<u8> = b.wrote[before..].to_vec();
    let printed = String::from_utf8_lossy(&marks).replace("\x1dr1", "");
    assert!(printed.contains(&String::from_utf8(text).unwrap()));
}

#[test]
fn the_bounds_are_visible() {
    let mut s = Spool::new(profile(), 0);
    let why = |outs: Vec<Output>| {
        outs.iter().find_map(|o| if let Output::Refused { why, .. } = o { Some(*why) } else { None })
    };
    for i in 0..MAX_QUEUED as u64 {
        assert_eq!(why(s.step(0, Input::Job(job(i)))), None);
    }
    assert_eq!(why(s.step(0, Input::Job(job(999)))), Some(Refusal::QueueFull));
    assert_eq!(why(s.step(0, Input::Job(job(3)))), Some(Refusal::Duplicate));
    let big = Job { bytes: vec![b'x'; MAX_JOB + 1], ..job(1000) };
    assert_eq!(why(s.step(0, Input::Job(big))), Some(Refusal::TooLarge));
    assert_eq!(s.view().counters.refused, 3);
}

fn any_input() -> impl Strategy<Value = (u64, Input)> {
    let bytes = prop_oneof![
        Just(CLEAN.to_vec()),
        Just(vec![0x12; 4]),
        Just(vec![0]),
        Just(vec![0x1A, 0x12, 0x12, 0x72]),
        Just(vec![0x18, 0, 0x0C, 0]),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    let input = prop_oneof![
        2 => (0u64..6, any::<bool>(), any::<bool>()).prop_map(|(id, b, r)| {
            let mut j = job(id);
            j.started_before = b && id > 3;
            if r && id % 2 == 1 { j.reprint_bytes = None }
            Input::Job(j)
        }),
        4 => Just(Input::StartedDurable(JobId(u64::MAX))),
        2 => Just(Input::PortOpened),
        1 => Just(Input::PortLost),
        12 => bytes.prop_map(Input::Bytes),
        12 => Just(Input::Written(0)),
        1 => Just(Input::Resume),
        8 => Just(Input::Tick),
    ];
    (prop_oneof![3 => Just(0u64), 2 => 0u64..4_000, 1 => 10_000u64..40_000], input)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn in_any_order_of_events_nothing_is_printed_twice_without_the_mark(events in prop::collection::vec(any_input(), 1..250)) {
        let mut s = Spool::new(profile(), 0);
        let (mut now, mut out_bytes, mut open) = (0, 0, false);
        let mut said: Option<JobId> = None;
        let mut durable = HashSet::new();
        let mut originals: HashMap<u64, usize> = HashMap::new();
        let mut given = HashSet::new();
        let mut deadlines: HashMap<u64, u64> = HashMap::new();
        let mut expired = HashSet::new();
        for (wait, input) in events {
            now += wait;
            // The shell speaks for itself where the input needs truth.
            let input = match input {
                Input::StartedDurable(_) => match said.take() {
                    Some(id) => { durable.insert(id); Input::StartedDurable(id) }
                    None => Input::Tick,
                },
                Input::Written(_) => Input::Written(std::mem::take(&mut out_bytes)),
                Input::PortOpened | Input::PortLost => {
                    out_bytes = 0;
                    open = input == Input::PortOpened;
                    input
                }
                Input::Job(j) => {
                    // The store gives a number once.
                    if !given.insert(j.id) { continue }
                    let deadline = (j.id.0 % 3 == 1).then_some(now + 8_000);
                    deadlines.extend(deadline.map(|at| (j.id.0, at)));
                    let j = Job { deadline, ..j };
                    if j.started_before { durable.insert(j.id); }
                    Input::Job(j)
                }
                other => other,
            };
            let outs = s.step(now, input);
            prop_assert!(outs.len() < 40);
            for o in outs {
                match o {
                    Output::Write(w) => {
                        prop_assert!(open && out_bytes == 0, "a second write while one is out");
                        prop_assert!(w.len() <= 8192 + 64);
                        out_bytes = w.len();
                        let text = String::from_utf8_lossy(&w).into_owned();
                        for id in 0..6 {
                            if text.contains(&format!("ORIG{id}")) {
                                *originals.entry(id).or_default() += 1;
                                prop_assert!(deadlines.get(&id).is_none_or(|at| now < *at), "after its deadline");
                            }
                            if text.contains(&format!("ORIG{id}")) || text.contains(&format!("AGAIN{id}")) {
                                prop_assert!(durable.contains(&JobId(id)));
                            }
                        }
                    }
                    Output::Started(id) => said = Some(id),
                    Output::Expired(id) => {
                        prop_assert!(expired.insert(id) && !originals.contains_key(&id.0));
                    }
                    Output::WakeAt(at) => prop_assert!(at > now),
                    _ => {}
                }
            }
        }
        prop_assert!(originals.iter().all(|(id, n)| *n == 1 && !(durable.contains(&JobId(*id)) && *id > 5)), "{originals:?}");
    }
}
