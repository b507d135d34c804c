//! Shifts and drawers: whose cash it is, and what should be in it.

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
