//! Shifts and drawers: whose cash it is, and what should be in it.

use tilld::core::domain::Minor;

use crate::shop::rules;
use crate::words::{play, play_with};

#[test]
fn a_drawer_from_float_to_over_and_short() {
    play(
        "
        1001 opens shift POS1 200.00           => shift 1
        1001 opens shift POS1 200.00           => shift_already_open
        1002 opens shift POS1 1.00             => drawer_held
        1001 POS1 sells a cash 50.00           => approved
        1001 POS1 sells b cash 30.00           => approved
        1001 POS1 refunds b as rb 10.00        => approved
        1001 POS1 pays-in 5.00                 => done
        1001 POS1 pays-out 25.00               => done
        1002 POS1 pays-out 1.00                => shift_not_open
        drawers 2026-03-07                     => 1001 POS1 250.00 not counted
        1001 closes shift                      => not_counted
        1001 POS1 counts 249.50                => done
        drawers 2026-03-07                     => 1001 POS1 250.00 -0.50
        1001 POS1 sells c cash 1.00            => approved
        1001 closes shift                      => not_counted
        1001 POS1 counts 252.00                => done
        1002 closes shift of 1001              => manager_required
        M1 closes shift of 1001                => shift 1
        1001 closes shift                      => shift_not_open
        drawers 2026-03-07                     => 1001 POS1 251.00 1.00
        1002 opens shift POS1 100.00           => shift 2
    ",
    );
}

#[test]
fn cash_by_a_cashier_without_the_drawer_is_refused_until_it_is_handed_over() {
    play(
        "
        1001 opens shift POS1 100.00           => shift 1
        1002 POS1 sells a cash 5.00            => drawer_held
        1002 POS1 sells b card 5.00            => approved
        1002 POS1 sells c qr 5.00              => approved
        1002 takes-over POS1 101.00            => done
        1002 POS1 sells d cash 5.00            => approved
        1001 POS1 sells e cash 5.00            => drawer_held
        1002 takes-over POS1 106.00            => drawer_held
        1002 POS1 counts 106.00                => done
        1002 closes shift                      => shift 2
        1001 closes shift                      => shift 1
        drawers 2026-03-07                     => 1002 POS1 106.00 0.00, 1001 POS1 100.00 1.00
    ",
    );
}

#[test]
fn a_shift_across_the_cut_is_carried_and_counted_once() {
    play(
        "
        1001 opens shift POS1 100.00           => shift 1
        1001 POS1 sells a cash 5.00            => approved
        cut                                    => 2026-03-07 Z1
        drawers 2026-03-07                     => 1001 POS1 105.00 not counted
        1001 POS1 sells b cash 7.00            => approved
        drawers 2026-03-07                     => 1001 POS1 105.00 not counted
        drawers 2026-03-08                     => 1001 POS1 112.00 not counted
        1001 POS1 counts 111.00                => done
        1001 closes shift                      => shift 1
        drawers 2026-03-08                     => 1001 POS1 112.00 -1.00
        drawers 2026-03-07                     => 1001 POS1 105.00 not counted
        cut                                    => 2026-03-08 Z2
        day 2026-03-08 => balanced sale 1/7.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 7.00
    ",
    );
}

#[test]
fn a_first_payment_opens_a_shift_and_takes_a_free_drawer() {
    play("
        1001 POS1 sells a card 5.00            => approved
        drawers 2026-03-07                     => 1001 POS1 0.00 not counted
        1002 POS1 sells b cash 5.00            => drawer_held
        1002 POS2 sells c cash 5.00            => approved
        1002 POS3 sells d cash 6.00            => approved
        drawers 2026-03-07                     => 1001 POS1 0.00 not counted, 1002 POS2 5.00 not counted, 1002 POS3 6.00 not counted
    ");
    let mut strict = rules();
    strict.require_shift = true;
    play_with(
        strict,
        "
        1001 POS1 sells a card 5.00            => shift_required
        1001 opens shift                       => shift 1
        1001 POS1 sells a card 5.00            => approved
    ",
    );
}

#[test]
fn a_count_by_denomination_must_make_what_was_counted() {
    play(
        "
        1001 opens shift POS1 100.00                              => shift 1
        1001 POS1 sells a cash 50.50                              => approved
        1001 POS1 counts 150.50 in 100.00x1 50.00x1 0.50x2        => count_mismatch
        1001 POS1 counts 150.50 in 100.00x1 100.00x1              => bad_request
        1001 POS1 counts 150.50 in 0.50x1 100.00x1 50.00x1 20.00x0 => done
        notes 2026-03-07                                          => POS1 100.00x1+50.00x1+0.50x1
        1001 POS1 sells b cash 1.00                               => approved
        notes 2026-03-07                                          => POS1
        1002 takes-over POS1 151.50 in 100.00x1 50.00x1 1.00x1 0.50x1 => done
        1001 closes shift                                         => shift 1
        notes 2026-03-07        => POS1 100.00x1+50.00x1+1.00x1+0.50x1, POS1
        1002 POS1 counts 151.50 in 50.00x3 0.50x3                 => done
        1002 closes shift                                         => shift 2
        notes 2026-03-07        => POS1 100.00x1+50.00x1+1.00x1+0.50x1, POS1 50.00x3+0.50x3
    ",
    );
}

#[test]
fn a_difference_above_the_limit_is_booked_and_another_manager_signs() {
    let mut strict = rules();
    strict.guards.over_short = Some(Minor(100));
    play_with(
        strict,
        "
        hire M2 manager                        => done
        1001 opens shift POS1 100.00           => shift 1
        1001 POS1 counts 98.99                 => done
        1001 closes shift                      => shift 1
        drawers 2026-03-07                     => 1001 POS1 100.00 -1.01
        to-sign 2026-03-07                     => 1 1001
        exceptions                             => 1 drawer_difference
        1002 resolves 1 noted                  => manager_required
        T1 resolves 1 noted                    => manager_required
        M1 resolves 1 noted                    => done
        exceptions                             =>
        1001 opens shift POS1 100.00           => shift 2
        1001 POS1 counts 99.00                 => done
        1001 closes shift                      => shift 2          # exactly the limit
        exceptions                             =>
        1001 opens shift POS1 100.00           => shift 3
        1001 POS1 counts 110.00                => done
        M1 closes shift of 1001                => shift 3          # who closes it has signed
        exceptions                             =>
        M1 opens shift POS1 100.00             => shift 4
        M1 POS1 counts 50.00                   => done
        M1 closes shift                        => shift 4
        M1 resolves 2 noted                    => second_manager   # nobody signs for themselves
        M2 resolves 2 noted                    => done
        acts 2026-03-07 => resolved by M1, shift_closed by M1 10.00, resolved by M2
    ",
    );
}

#[test]
fn a_shift_that_was_forgotten_is_listed_and_a_manager_counts_and_closes_it() {
    play(
        "
        1001 opens shift POS1 100.00           => shift 1
        1001 POS1 sells a cash 5.00            => approved
        wait 15h
        forgotten                              =>
        1001 POS1 sells b cash 5.00            => approved         # still at work
        wait 15h
        1002 POS2 sells c cash 1.00            => approved
        forgotten                              =>
        wait 1h
        forgotten                              => 1 1001
        checklist                              => look forgotten_shifts 1, look open_shifts 1
        cut                                    => 2026-03-07 Z1
        drawers 2026-03-07                     => 1001 POS1 110.00 not counted, 1002 POS2 1.00 not counted
        1002 counts POS1 of 1001 110.00        => manager_required
        M1 closes shift of 1001                => not_counted
        M1 counts POS1 of 1001 109.00          => done
        M1 closes shift of 1001                => shift 1
        forgotten                              =>
        drawers 2026-03-08                     => 1001 POS1 110.00 -1.00, 1002 POS2 1.00 not counted
        acts 2026-03-08                        => shift_closed by M1 -1.00
    ",
    );
}

/// Twenty characters of Chinese are sixty bytes: what the till's door lets in, its ledger takes.
#[test]
fn names_and_reasons_are_bounded_in_characters() {
    play(
        "
        1001 opens shift POS1 100.00
        1001 POS1 pays-in 5.00 for 200 characters => done
        1001 POS1 pays-in 5.00 for 201 characters => bad_request
        hire 2001 cashier of 60 characters        => done
        hire 2002 cashier of 61 characters        => bad_request
        hire 2002 cashier seen as nothing         => bad_request
        hire 2002 cashier turned around           => bad_request
        hire 2002 cashier =1+1                    => done
    ",
    );
}
