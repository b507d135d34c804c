//! Voids and refunds: what is refused, and with which code.

use crate::shop::rules;
use crate::words::{play, play_with};

#[test]
fn a_void_is_whole_on_its_own_terminal_in_its_own_batch() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        1001 POS2 voids a as v1                   => other_device
        1001 POS1 voids a as v2 11.00             => full_amount_only
        1001 POS1 voids a as v3 cash              => method_mismatch
        1001 POS1 refunds a as r 2.00             => approved
        1001 POS1 voids a as v4                   => already_refunded
        1001 POS1 sells b card 12.00              => approved
        1001 POS1 voids b as vb                   => approved
        1001 POS1 voids b as vb2                  => already_voided
        1001 POS1 refunds b as rb 1.00            => already_voided
        1001 POS1 voids vb as vvb                 => not_supported
        1001 POS1 sells c card 12.00              => approved
        POS1 settles                              => done
        wait 5s
        1001 POS1 voids c as vc                   => use_refund
        1001 POS1 refunds c as rc 12.00           => no_card
        1001 POS1 refunds c as rc 12.00 stripe    => approved
        1001 POS1 sells d cash 12.00              => approved
        POS1 next code-51
        1001 POS1 sells e card 12.00              => declined
        1001 POS1 voids e as ve                   => original_not_approved
    ",
    );
}

#[test]
fn a_void_that_was_declined_leaves_the_sale_as_it_was() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 next code-51
        1001 POS1 voids a as v                    => declined
        a voided                                  => no
        a busy                                    => no
        POS1 next lose-answer
        1001 POS1 voids a as w                    => unknown
        a busy                                    => yes
        wait 2s
        w state                                   => reversed
        a voided                                  => no
        a busy                                    => no
        1001 POS1 voids a as x                    => approved
        day 2026-03-07 => open sale 1/12.00 refund 0/0.00 void 1/12.00 vouchers 0/0.00 net 0.00
        cut                                       => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07                        => POS1 000001 balanced
    ",
    );
}

#[test]
fn a_refund_is_confirmed_and_never_more_than_what_is_left() {
    play(
        "
        1001 POS1 sells a card 12.00                      => approved
        1001 POS1 refunds a as r1 5.00 unconfirmed        => confirm_amount
        1001 POS1 refunds a as r2 12.01                   => refund_exceeds
        1002 POS2 refunds a as r3 5.00                    => approved
        1002 POS2 refunds a as r4 7.01                    => refund_exceeds
        1002 POS2 refunds a as r5 7.00                    => approved
        1002 POS2 refunds a as r6 0.01                    => refund_exceeds
        1002 POS2 refunds a as r7 0.00                    => amount_invalid
        a refunded                                        => 12.00
        1001 POS1 sells b cash 12.00                      => approved
        1001 POS1 refunds b as r8 2.00                    => approved
        1001 POS1 refunds b as r9 2.00 card               => method_mismatch
        cut                                               => 2026-03-07 Z1
        wait 10s
        1001 POS1 refunds b as r10 10.00                  => approved
        day 2026-03-08 => open sale 0/0.00 refund 1/10.00 void 0/0.00 vouchers 0/0.00 net -10.00
        settled 2026-03-07 => POS1 000001 balanced, POS2 000001 balanced
    ",
    );
}

#[test]
fn a_sale_from_before_this_journal_needs_a_manager() {
    play(
        "
        1001 POS1 refunds 000000000042:12.00 as r1 5.00 stripe        => manager_required
        1001 POS1 refunds 000000000042:12.00 as r2 12.01 stripe by M1  => refund_exceeds
        1001 POS1 refunds 000000000042:12.00 as r3 5.00 stripe by M1   => approved
        1001 POS1 refunds 000000000042:12.00 as r4 5.00 by M1         => no_card
    ",
    );
}

#[test]
fn a_cash_sale_is_voided_on_its_own_day_only() {
    play(
        "
        1001 POS1 sells a cash 12.00           => approved
        1001 POS1 sells b cash 13.00           => approved
        1001 POS1 voids a as v                 => approved
        drawers 2026-03-07                     => 1001 POS1 13.00 not counted
        cut                                    => 2026-03-07 Z1
        1001 POS1 voids b as w                 => use_refund
        1001 POS1 refunds b as r 13.00         => approved
        drawers 2026-03-08                     => 1001 POS1 0.00 not counted
    ",
    );
}

#[test]
fn a_void_whose_batch_ends_before_its_turn_is_taken_back() {
    play(
        "
        1001 POS1 sells a card 12.00           => approved
        POS1 next late-5s
        1001 POS1 begins b card 13.00          => sent
        1001 POS1 starts-void a as v           => waiting
        POS1 settles                           => done
        wait 10s
        v state                                => cancelled
        a voided                               => no
        a busy                                 => no
    ",
    );
}

#[test]
fn declined_unknown_and_reversed_count_nowhere() {
    play(
        "
        POS1 next code-51
        1001 POS1 sells a card 1.00            => declined
        POS1 next lose-answer
        1001 POS1 sells b card 2.00            => unknown
        wait 1s
        b state                                => reversed
        1001 POS1 sells c cash 4.00            => approved
        POS1 next lose-answer
        1001 POS1 sells d card 8.00            => unknown
        POS1 goes down
        d state                                => unknown
        day 2026-03-07 => open sale 1/4.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 4.00
        pending 2026-03-07                     => unknown 8.00
        reversed 2026-03-07                    => 1/2.00
    ",
    );
}

#[test]
fn what_is_asked_wrongly_is_refused_and_makes_nothing() {
    play(
        "
        rows                                   => 11
        1001 POS1 sells a card 0.00            => amount_invalid
        1001 POS1 sells a card 1000000.01      => amount_too_large
        1009 POS1 sells a card 1.00            => unknown_cashier
        1001 POS9 sells a card 1.00            => unknown_device
        rows                                   => 11
    ",
    );
}

/// Nothing of ours is busy with it, but for the refund itself.
#[test]
fn a_sale_from_before_this_journal_is_not_refunded_while_a_refund_of_it_is_undecided() {
    play(
        "
        POS1 next lose-answer
        1001 POS1 refunds 000000000042:12.00 as r1 5.00 stripe by M1   => unknown
        1001 POS1 refunds 000000000042:12.00 as r2 5.00 stripe by M1   => in_progress
        1002 POS2 refunds 000000000042:12.00 as r3 5.00 stripe by M1   => in_progress
        1001 POS1 refunds 000000000043:12.00 as o 12.00 stripe by M1   => approved
        M1 resolves 1 confirmed-approved                               => done
        1001 POS1 refunds 000000000042:12.00 as r4 7.00 stripe by M1   => approved
    ",
    );
}

/// Where repeats are recognized: one that cannot be built again was sent all the same, and may have been done.
#[test]
fn a_refund_that_cannot_be_repeated_stays_unknown_and_a_person_decides() {
    let mut rules = rules();
    rules.channel.repeats_recognized = true;
    play_with(
        rules,
        "
        1001 POS1 sells a card 12.00                => approved
        POS1 next lose-answer
        POS1 next not-built
        1001 POS1 refunds a as r 5.00 stripe        => unknown
        wait 2m
        r state                                     => unknown
        exceptions                                  => 1 unknown_payment
        1001 POS1 refunds a as s 5.00 stripe        => in_progress
        1001 POS1 sells b card 13.00                => approved
        M1 resolves 1 confirmed-approved            => done
        1001 POS1 refunds a as t 5.00 stripe        => approved
    ",
    );
}

/// A sale made elsewhere has no row here that could be used up: what was given back of it is looked for, on whatever till, day and way.
#[test]
fn a_sale_made_elsewhere_is_given_back_once() {
    play(
        "
        POS1 next code-51
        1001 POS1 refunds 000000000042:12.00 as n 12.00 stripe by M1    => declined
        1001 POS1 refunds 000000000042:12.00 as r1 5.00 stripe by M1    => approved
        1002 POS2 refunds 000000000042:12.00 as r2 7.01 stripe by M1    => refund_exceeds
        1001 POS1 refunds 000000000042:12.00 as r3 4.00 cash by M1      => approved
        1001 POS1 refunds 000000000042:90.00 as r4 3.01 cash by M1      => refund_exceeds  # what was said of it first stands
        1001 POS1 refunds 000000000043:12.00 as o 12.00 cash by M1      => approved        # another sale
        cut                                                             => 2026-03-07 Z1
        wait 5m
        crash
        start
        wait 5s
        1002 POS2 refunds 000000000042:12.00 as r5 3.01 cash by M1      => refund_exceeds
        1002 POS2 refunds 000000000042:12.00 as r6 3.00 stripe by M1    => approved
        1002 POS2 refunds 000000000042:12.00 as r7 0.01 cash by M1      => refund_exceeds
    ",
    );
}
