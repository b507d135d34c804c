//! Answers that are lost, late, in doubt or in no list (law 2), and what the terminal does about them.

use crate::shop::rules;
use crate::words::{play, play_with};

#[test]
fn a_lost_answer_of_a_refund_stays_unknown_and_is_never_reversed() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 next lose-answer
        1001 POS1 refunds a as r 12.00            => unknown
        wait 10m
        r state                                   => unknown
        r reversal                                => none
        r sends                                   => 1
        POS1 heard                                => sign-on sale refund
        exceptions                                => 1 unknown_payment
        1001 POS1 refunds a as r2 12.00           => in_progress
        1001 POS1 voids a as v                    => in_progress
        day 2026-03-07 => open sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
        pending 2026-03-07                        => unknown 12.00
        1001 resolves 1 confirmed-approved        => manager_required
        M1 resolves 1 confirmed-approved          => done
        r state                                   => approved
        a refunded                                => 12.00
        exceptions                                =>
        1001 POS1 refunds a as r3 1.00            => refund_exceeds
        day 2026-03-07 => open sale 1/12.00 refund 1/12.00 void 0/0.00 vouchers 0/0.00 net 0.00
        cut                                       => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07                        => POS1 000001 balanced
    ",
    );
}

#[test]
fn a_declined_answer_is_declined_and_counts_nowhere() {
    play(
        "
        POS1 next code-51
        1001 POS1 sells a card 12.00    => declined
        a code                          => 51
        a card                          => erased
        POS1 next code-99               # sign on again: it was not done, and says so
        1001 POS1 sells b card 12.00    => declined
        wait 1s
        1001 POS1 sells c card 12.00    => approved
        POS1 heard                      => sign-on sign-on sale
        day 2026-03-07 => open sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
    ",
    );
}

#[test]
fn an_undocumented_code_is_unknown_never_failed() {
    play(
        "
        POS1 next done-but-ZZ
        1001 POS1 sells a card 12.00    => unknown
        wait 1s
        a state                         => reversed
        a code                          => ZZ
        POS1 next bad-mac
        1001 POS1 sells b card 12.00    => unknown
        wait 1s
        b state                         => reversed
        b reversal                      => Done BadMac 1
    ",
    );
}

#[test]
fn the_reversal_goes_before_the_next_online_payment() {
    play(
        "
        POS1 next lose-answer
        1001 POS1 begins a card 12.00   => sent
        1001 POS1 begins b card 13.00   => waiting
        POS1 heard                      => sign-on sale
        wait 10s
        b state                         => waiting
        wait 51s                        # b has waited as long as it may, and is a stripe of a store without a line
        a state                         => reversed
        1001 POS1 sells c card 14.00    => approved
        POS1 heard                      => reversal offlinesale sale
    ",
    );
}

#[test]
fn a_customer_who_waits_makes_the_reversal_go_at_once() {
    play(
        "
        POS1 next lose-answer
        POS1 next code-96
        1001 POS1 sells a card 12.00    => unknown
        wait 200ms
        a reversal                      => Owed Other 1
        1001 POS1 sells b card 14.00    => approved
        a reversal                      => Done Other 2
        POS1 heard                      => sign-on sale reversal sale
    ",
    );
}

#[test]
fn a_reversal_that_cannot_be_completed_is_for_a_person_and_the_lane_goes_on() {
    play(
        "
        POS1 next lose-answer
        POS1 next code-96
        POS1 next lose-request
        POS1 next code-ZZ
        1001 POS1 sells a card 12.00       => unknown
        wait 5m
        a state                            => unknown
        a reversal                         => GivenUp Other 3
        exceptions                         => 1 reversal_failed
        1001 POS1 sells b card 14.00       => approved
        pending 2026-03-07                 => unknown 12.00
        day 2026-03-07 => open sale 1/14.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 14.00
        cut                                => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07                 => POS1 000001 unbalanced
        M1 resolves 1 confirmed-approved   => done
        a state                            => approved
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 1/12.00 net 12.00
        day 2026-03-07 => ended sale 1/14.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 14.00
        vouchers 2026-03-08                => late_answer 12.00 1001
        exceptions                         => 2 unbalanced
        M1 resolves 2 noted                => done
        exceptions                         =>
    ",
    );
}

#[test]
fn a_reversal_that_cannot_be_built_is_for_a_person_at_once_and_the_lane_goes_on() {
    play(
        "
        POS1 next lose-answer
        POS1 next not-built
        1001 POS1 sells a card 12.00    => unknown
        wait 1s
        1001 POS1 sells b card 5.00     => approved
        a state                         => unknown
        a reversal                      => GivenUp NoAnswer 0   # none ever left
        exceptions                      => 1 reversal_failed
        POS1 heard                      => sign-on sale sign-on sale
    ",
    );
}

#[test]
fn a_pending_reversal_never_stops_a_stored_sale() {
    play(
        "
        POS1 goes down
        1001 POS1 sells s card 20.00       => stored
        1001 POS1 sells t card 21.00       => stored
        POS1 comes up
        wait 5s
        s state                            => forwarded
        POS1 next lose-answer
        1001 POS1 begins a card 12.00      => sent
        wait 30s
        POS1 goes down
        a state                            => unknown
        1001 POS1 sells u card 22.00       => stored
        POS1 comes up                      # an outage: it signs on; then the reversal first, and it is not done
        wait 10ms
        POS1 next code-96
        wait 300ms
        a reversal                         => Owed Other 1
        u state                            => forwarded
        wait 5s
        a state                            => reversed
    ",
    );
}

#[test]
fn a_late_answer_decides_only_where_no_reversal_was_journaled() {
    play(
        "
        1001 POS1 sells s card 12.00              => approved
        POS1 next late-90s
        1001 POS1 refunds s as r 12.00            => unknown
        wait 60s
        r state                                   => approved
        s refunded                                => 12.00
        POS1 next late-65s
        POS1 next lose-request
        1001 POS1 sells a card 30.00              => unknown
        wait 10s                                  # the late approval came while its reversal is under way
        a state                                   => unknown
        wait 2m
        a state                                   => reversed
        cut                                       => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07                        => POS1 000001 balanced
    ",
    );
}

#[test]
fn a_late_answer_finds_its_payment_in_a_batch_that_has_ended() {
    play(
        "
        1001 POS1 sells s card 12.00              => approved
        POS1 next late-10m
        1001 POS1 refunds s as r 12.00            => unknown
        cut                                       => 2026-03-07 Z1
        wait 10s
        POS1 batch 000001                         => ended unbalanced debit 1/12.00 credit 0/0.00
        r state                                   => unknown
        wait 10m
        r state                                   => approved
        vouchers 2026-03-08                       => late_answer -12.00 1001
        POS1 batch 000001                         => ended unbalanced debit 1/12.00 credit 0/0.00
        day 2026-03-07 => ended sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
    ",
    );
}

#[test]
fn a_message_that_cannot_be_built_or_sent_is_taken_back() {
    play(
        "
        POS1 next not-built
        1001 POS1 sells a card 12.00      => cancelled
        a card                            => erased
        wait 2s
        POS1 next no-line
        1001 POS1 sells b card 12.00      => stored
        b batch                           => none
        POS2 next no-line
        1002 POS2 sells c card 12.00 pin  => cancelled
    ",
    );
}

/// A PIN block dies with the key that it was made under: sent after a sign-on it would be a wrong PIN, counted against the card.
#[test]
fn a_payment_with_a_pin_that_waited_over_a_sign_on_is_taken_back() {
    play(
        "
        POS1 next lose-answer
        1001 POS1 begins a card 12.00     => sent
        1001 POS1 begins b card 13.00 pin => waiting
        1001 POS1 begins c card 14.00     => waiting
        POS1 next code-99                 # the reversal of a: other keys; sign on again
        wait 2m
        a state                           => reversed
        b state                           => cancelled
        b card                            => erased
        1001 POS1 sells d card 15.00 pin  => approved
    ",
    );
}

#[test]
fn a_payment_that_waits_too_long_for_its_turn_is_stored_or_taken_back() {
    play(
        "
        POS1 next lose-answer
        1001 POS1 begins a card 12.00     => sent
        1001 POS1 sells b card 13.00      => stored
        1001 POS1 sells c card 13.00 pin  => cancelled
        wait 2m
        a state                           => reversed
        b state                           => forwarded
        cancel c                          => not_cancellable
        POS1 next lose-answer
        1001 POS1 begins d card 14.00     => sent
        1001 POS1 begins e card 15.00     => waiting
        cancel d                          => not_cancellable
        cancel e                          => cancelled
        answer e                          => cancelled
        e card                            => erased
    ",
    );
}

#[test]
fn the_wall_clock_does_not_decide_how_long_a_customer_waits() {
    play(
        "
        POS1 next lose-answer
        1001 POS1 begins a card 12.00     => sent
        1001 POS1 begins b card 13.00     => waiting
        clock jumps 2h
        wait 2s
        b state                           => waiting
        clock jumps -5h
        wait 19s
        b state                           => stored
    ",
    );
}

#[test]
fn a_sign_on_that_is_not_answered_is_as_good_as_no_line() {
    play(
        "
        crash
        POS1 next lose-request
        POS1 next code-51
        start
        1001 POS1 begins a card 12.00     => waiting
        wait 61s
        a state                           => stored
        1001 POS1 sells b card 12.00      => stored
        wait 2m
        b state                           => forwarded
        1001 POS1 sells c card 12.00      => approved
    ",
    );
}

#[test]
fn without_offline_rules_nothing_is_stored() {
    let mut rules = rules();
    rules.offline = None;
    play_with(
        rules,
        "
        all go down
        1001 POS1 sells a card 12.00      => needs_line
        1001 POS1 sells b cash 12.00      => approved
    ",
    );
}

#[test]
fn a_resolution_that_decides_nothing_is_refused_and_the_exception_stays() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 next lose-request
        1001 POS1 refunds a as r 12.00            => unknown
        M1 resolves 1 noted                       => bad_request
        M1 resolves 1 retry                       => bad_request
        exceptions                                => 1 unknown_payment
        M1 resolves 1 confirmed-declined          => done
        r state                                   => declined
        M1 resolves 1 confirmed-declined          => unknown_exception
        1001 POS1 refunds a as r2 12.00           => approved
    ",
    );
}

#[test]
fn a_reversal_whose_tries_ran_out_prints_a_slip_where_the_profile_says_so() {
    let story = "
        POS1 next lose-answer
        POS1 next code-96
        POS1 next lose-request
        POS1 next code-ZZ
        1001 POS1 sells a card 12.00       => unknown
        wait 5m
        a reversal                         => GivenUp Other 3
        exceptions                         => 1 reversal_failed
    ";
    assert_eq!(play(story).jobs("receipt"), 0);
    let mut slip = rules();
    slip.channel.exhausted = tilld::core::acquirer::profile::Exhausted::Slip;
    assert_eq!(play_with(slip, story).jobs("receipt"), 1, "a receipt of what is not known is its state slip");
}
