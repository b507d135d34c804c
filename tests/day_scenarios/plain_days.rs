//! Days on which nothing goes wrong, and the small things that do.

use crate::words::play;

#[test]
fn a_plain_day_with_two_terminals_settles_balanced() {
    play(
        "
        1001 POS1 sells a card 12.00            => approved
        1002 POS2 sells b card 30.00 foreign    => approved
        1001 POS1 sells c cash 5.00             => approved
        1002 POS2 sells d qr 8.80               => approved
        1001 POS1 sells e card 99.00            => approved
        1001 POS1 voids e as ve                 => approved
        1002 POS2 refunds b as rb 10.00         => approved
        day 2026-03-07    => open sale 5/154.80 refund 1/10.00 void 1/99.00 vouchers 0/0.00 net 45.80
        bridge 2026-03-07 => batch:POS1:000001 12.00, batch:POS2:000001 28.80, cash 5.00
        cut               => 2026-03-07 Z1
        open-day          => 2026-03-08
        wait 10s
        settled 2026-03-07 => POS1 000001 balanced, POS2 000001 balanced
        day 2026-03-07    => balanced sale 5/154.80 refund 1/10.00 void 1/99.00 vouchers 0/0.00 net 45.80
        POS1 batch 000001 => ended balanced debit 2/111.00 credit 1/99.00
        POS2 batch 000001 => ended balanced debit 2/38.80 credit 1/10.00
        POS1 heard        => sign-on sale sale void settle end-207-0
        exceptions        =>
        pending 2026-03-07 =>
        a card => erased
        e card => erased
    ",
    );
}

#[test]
fn the_same_request_id_ten_times_is_one_payment() {
    play(
        "
        1001 POS1 begins a card 12.00    => sent
        1001 POS1 begins a card 12.00    => sent
        1001 POS1 sells a card 12.00     => approved
        1001 POS1 sells a card 12.00     => approved
        1001 POS1 sells a card 12.00     => approved
        1001 POS1 sells a card 12.00     => approved
        1001 POS1 sells a card 12.00     => approved
        1001 POS1 sells a card 12.00     => approved
        1001 POS1 sells a card 12.01     => request_conflict
        1002 POS1 sells a card 12.00     => request_conflict
        1001 POS2 sells a card 12.00     => request_conflict
        1001 POS1 sells a cash 12.00     => request_conflict
        1001 POS1 sells a card 12.00     => approved
        crash
        start
        1001 POS1 sells a card 12.00     => approved
        day 2026-03-07 => open sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
        POS1 heard     => sign-on sale sign-on
    ",
    );
}

#[test]
fn a_lost_answer_is_reversed_and_counts_nowhere() {
    play(
        "
        1001 POS1 sells z card 1.00     => approved
        POS1 next lose-answer
        1001 POS1 sells a card 12.00    => unknown
        wait 1s
        a state       => reversed
        a reversal    => Done NoAnswer 1
        a card        => erased
        POS1 next lose-request
        1001 POS1 sells b card 13.00    => unknown
        wait 1s
        b state       => reversed
        day 2026-03-07 => open sale 1/1.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 1.00
        reversed 2026-03-07 => 2/25.00
        cut => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07 => POS1 000001 balanced
    ",
    );
}
