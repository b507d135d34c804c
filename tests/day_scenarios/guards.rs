//! Who may do what, how much of it, and what of that a manager sees at the end of the day.

use tilld::core::domain::Minor;

use crate::shop::rules;
use crate::words::{play, play_with};

#[test]
fn a_large_refund_needs_a_manager_who_is_not_the_cashier() {
    let mut strict = rules();
    strict.guards.refund = Some(Minor(1_000));
    play_with(
        strict,
        "
        hire M2 manager                        => done
        1001 POS1 sells a cash 50.00           => approved
        1001 POS1 refunds a as r1 10.00        => approved
        1001 POS1 refunds a as r2 10.01        => manager_required
        1001 POS1 refunds a as r2 10.01 by 1002 => manager_required
        1001 POS1 refunds a as r2 10.01 by M1  => approved
        M1 POS2 sells b cash 50.00             => approved
        M1 POS2 refunds b as r3 20.00 by M1    => second_manager
        M1 POS2 refunds b as r3 20.00 by M2    => approved
        M1 POS2 refunds b as r4 30.01 by M2    => refund_exceeds   # never more than what is left
        acts 2026-03-07                        => approved by M1 10.01, approved by M2 20.00
    ",
    );
}

#[test]
fn what_a_cashier_a_device_and_the_store_may_do_in_a_day() {
    let mut strict = rules();
    strict.guards.cashier_sales = Some(Minor(10_000));
    strict.guards.device_refunds = Some(Minor(2_000));
    strict.guards.day_sales = Some(Minor(15_000));
    play_with(
        strict,
        "
        1001 POS1 sells a cash 60.00           => approved
        1001 POS1 sells b cash 40.00           => approved         # exactly the limit
        1001 POS2 sells c cash 0.01            => limit_reached
        1001 POS1 refunds a as ra 15.00        => approved
        1001 POS1 refunds b as rb 5.01         => limit_reached
        1001 POS1 refunds b as rb 5.00         => approved
        1001 POS2 sells c cash 0.01 by M1      => approved
        1002 POS3 sells d cash 50.00           => limit_reached    # the store's
        1002 POS3 sells d cash 49.99           => approved
        cut                                    => 2026-03-07 Z1
        1001 POS1 sells e cash 60.00           => approved         # a new day
        acts 2026-03-07                        => approved by M1 0.01
    ",
    );
}

#[test]
fn what_is_under_way_counts_towards_the_limit() {
    let mut strict = rules();
    strict.guards.cashier_sales = Some(Minor(10_000));
    play_with(
        strict,
        "
        POS1 next lose-answer
        1001 POS1 begins a card 60.00
        1001 POS2 sells b cash 50.00           => limit_reached
        1001 POS2 sells b cash 40.00           => approved
    ",
    );
}

#[test]
fn a_person_who_left_does_nothing_and_keeps_their_id() {
    play(
        "
        hire M2 manager                        => done
        1002 POS2 sells a cash 5.00            => approved
        1002 is set gone                       => shift_already_open
        1002 POS2 counts 5.00                  => done
        1002 closes shift                      => shift 1
        1002 is set gone                       => done
        1002 POS2 sells b cash 5.00            => cashier_inactive
        1002 opens shift                       => cashier_inactive
        1002 is set back                       => done
        1002 POS2 sells b cash 5.00            => approved
        M2 is set cashier                      => done
        M2 cuts                                => manager_required
        M1 is set cashier                      => bad_request      # somebody must be able to close
        M1 is set gone                         => bad_request
        M1 cuts                                => 2026-03-07 Z1
    ",
    );
}

#[test]
fn drawers_opened_without_a_sale_and_reprints_stand_on_the_day() {
    play(
        "
        1001 POS1 sells a cash 5.00            => approved
        1001 opens drawer POS1                 => done
        1009 opens drawer POS1                 => unknown_cashier
        nobody reprints a                      => done
        M1 reprints a                          => done
        acts 2026-03-07 => drawer_opened by 1001, printed by nobody, printed by M1
        cut                                    => 2026-03-07 Z1
        acts 2026-03-07 => drawer_opened by 1001, printed by nobody, printed by M1
        acts 2026-03-08                        =>
    ",
    );
}
