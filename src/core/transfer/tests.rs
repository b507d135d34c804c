//! Every pair of steps, and what must never be among them.
use super::*;

/// The whole table: from, and what may follow with evidence.
#[test]
fn only_these_steps_follow_one_another() {
    use TransferStep::{Accepted, Approved, Created, Failed, Sent, Succeeded, Unknown, Withdrawn};
    for from in TransferStep::ALL {
        let expected: &[TransferStep] = match from {
            Created => &[Approved, Withdrawn],
            Approved => &[Withdrawn, Sent],
            Sent | Accepted => &[Accepted, Succeeded, Failed, Unknown],
            Unknown => &[Accepted, Succeeded, Failed],
            Withdrawn | Succeeded | Failed => &[],
        };
        let mut allowed: Vec<_> = TransferStep::ALL.iter().filter(|to| may(*from, **to, true).is_ok()).collect();
        let mut expected: Vec<_> = expected.iter().collect();
        allowed.sort();
        expected.sort();
        assert_eq!(allowed, expected, "from {from}");
    }
}

#[test]
fn nothing_fails_and_nothing_succeeds_without_evidence() {
    for from in TransferStep::ALL {
        for to in [TransferStep::Failed, TransferStep::Succeeded] {
            assert!(may(*from, to, false).is_err(), "{from} to {to}");
        }
    }
}

#[test]
fn funds_that_were_set_aside_stay_so_until_the_bank_has_spoken() {
    for step in [TransferStep::Approved, TransferStep::Sent, TransferStep::Accepted, TransferStep::Unknown] {
        assert_eq!(state(step, State::Promised), State::Promised);
    }
    assert_eq!(state(TransferStep::Withdrawn, State::Waiting), State::Cancelled);
    assert_eq!(state(TransferStep::Withdrawn, State::Promised), State::Rejected);
}
