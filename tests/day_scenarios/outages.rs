//! The line is down: what is stored, within which bounds, and what becomes of it.

use crate::shop::rules;
use crate::words::{play, play_with};

#[test]
fn an_outage_in_the_middle_of_the_day() {
    play(
        "
        1001 POS1 sells a card 12.00           => approved
        all go down
        1001 POS1 sells b card 20.00           => stored
        1002 POS2 sells c card 30.00           => stored
        1001 POS1 sells d cash 5.00            => approved
        waiting                                => 2/50.00
        bridge 2026-03-07 => batch:POS1:000001 12.00, cash 5.00, waiting 50.00
        offline 2026-03-07                     => stored 2 forwarded 0 rejected 0 waiting 2
        all come up
        wait 5s
        b state                                => forwarded
        c state                                => forwarded
        waiting                                => 0/0.00
        offline 2026-03-07                     => stored 2 forwarded 2 rejected 0 waiting 0
        cut                                    => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07                     => POS1 000001 balanced, POS2 000001 balanced
        day 2026-03-07 => balanced sale 4/67.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 67.00
    ",
    );
}

#[test]
fn each_bound_of_what_may_wait_refuses_with_its_code() {
    play(
        "
        all go down
        1001 POS1 sells big card 500.01        => offline_amount
        1001 POS1 sells a card 500.00          => stored
        1001 POS1 sells b card 500.00          => stored
        1002 POS2 sells c card 500.00          => stored
        1002 POS2 sells d card 499.00          => stored
        1001 POS1 sells e card 1.01            => offline_limit
        1001 POS1 sells f card 1.00            => stored
        waiting                                => 5/2,000.00
        1001 POS1 sells g cash 500.00          => approved
    ",
    );
    let mut few = rules();
    if let Some(offline) = &mut few.offline {
        offline.max_count = 2;
    }
    play_with(
        few,
        "
        all go down
        1001 POS1 sells a card 1.00            => stored
        1002 POS2 sells b card 1.00            => stored
        1001 POS1 sells c card 1.00            => offline_limit
    ",
    );
}

#[test]
fn what_cannot_be_guaranteed_offline_is_refused_with_a_reason() {
    play(
        "
        all go down
        1001 POS1 sells a card 12.00 chip      => offline_card
        1001 POS1 sells b card 12.00 inserted  => offline_card
        1001 POS1 sells c card 12.00 keyed     => offline_card
        1001 POS1 sells d card 12.00 pin       => offline_card
        1001 POS1 sells e card 12.00 expired   => card_expired
        1001 POS1 sells f card 12.00 spoiled   => bad_card
        1001 POS1 sells g qr 12.00             => scan_needs_line
        1001 POS1 sells h qr 12.00 short       => bad_code
        1001 POS1 sells i card 12.00           => stored
        day 2026-03-07 => open sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
    ",
    );
}

#[test]
fn without_a_line_nothing_that_was_sent_is_undone() {
    play(
        "
        1001 POS1 sells a card 12.00           => approved
        1001 POS1 sells b cash 12.00           => approved
        all go down
        1001 POS1 voids a as v                 => needs_line
        1001 POS1 refunds a as r 1.00          => needs_line
        1001 POS1 voids b as vb                => approved
    ",
    );
}

#[test]
fn a_stored_sale_voided_locally_leaves_the_queue_and_both_rows_go() {
    play(
        "
        all go down
        1001 POS1 sells a card 12.00           => stored
        1001 POS1 sells b card 20.00           => stored
        1001 POS1 voids a as v                 => approved
        a voided                               => yes
        a card                                 => erased
        v card                                 => erased
        waiting                                => 1/20.00
        bridge 2026-03-07 => waiting 20.00, voided_before_sending 0.00
        offline 2026-03-07                     => stored 2 forwarded 0 rejected 0 waiting 1
        1001 POS1 voids a as v2                => already_voided
        all come up
        wait 5s
        POS1 heard                             => sign-on offlinesale
        cut                                    => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07                     => POS1 000001 balanced
        day 2026-03-07 => balanced sale 2/32.00 refund 0/0.00 void 1/12.00 vouchers 0/0.00 net 20.00
    ",
    );
}

#[test]
fn a_stored_sale_refused_later_is_a_negative_voucher_and_an_exception() {
    play(
        "
        all go down
        1001 POS1 sells a card 12.00           => stored
        1002 POS2 sells b card 20.00           => stored
        cut                                    => 2026-03-07 Z1
        POS1 next code-14
        all come up
        wait 5s
        a state                                => rejected
        a card                                 => erased
        vouchers 2026-03-08                    => offline_rejected -12.00 1001
        exceptions                             => 1 offline_rejected
        waiting                                => 1/12.00
        offline 2026-03-07                     => stored 2 forwarded 1 rejected 1 waiting 0
        day 2026-03-07 => balanced sale 2/32.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 32.00
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 1/-12.00 net -12.00
        M1 resolves 1 written-off              => done
        waiting                                => 0/0.00
        bridge 2026-03-07                      => batch:POS2:000001 20.00, refused_offline 12.00
    ",
    );
}

#[test]
fn refused_on_its_own_day_it_stands_on_both_sides_of_that_day() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 12.00           => stored
        POS1 next code-14
        POS1 comes up
        wait 5s
        a state                                => rejected
        day 2026-03-07 => open sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 1/-12.00 net 0.00
        bridge 2026-03-07                      => refused_offline 12.00, vouchers -12.00
        1001 POS1 refunds a as r 12.00         => original_not_approved
        cut                                    => 2026-03-07 Z1
    ",
    );
}

#[test]
fn an_advice_answered_94_counts_as_delivered() {
    play("
        POS1 goes down
        1001 POS1 sells a card 12.00           => stored
        POS1 next lose-answer
        POS1 comes up
        wait 30s
        a state                                => stored
        a sends                                => 1
        1001 POS1 voids a as v                 => in_progress
        wait 2m
        a state                                => forwarded
        a code                                 => 94
        a sends                                => 2
        cut                                    => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07                     => POS1 000001 balanced
        POS1 heard exactly => sign-on 000001/000001, offlinesale 000001/000002, offlinesale 000001/000002, settle 000001/000003, end-207-0 000001/000004
    ");
}

#[test]
fn what_cannot_be_delivered_stands_aside_and_the_rest_passes() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 12.00           => stored
        1001 POS1 sells b card 13.00           => stored
        1001 POS1 sells c card 14.00           => stored
        POS1 next code-ZZ
        POS1 next lose-request
        POS1 next code-ZZ
        POS1 comes up
        wait 5m
        a state                                => set_aside
        a card                                 => kept
        b state                                => forwarded
        c state                                => forwarded
        exceptions                             => 1 offline_aside
        waiting                                => 1/12.00
        pending 2026-03-07                     => set_aside 12.00
        bridge 2026-03-07                      => batch:POS1:000001 39.00
        M1 resolves 1 noted                    => bad_request
        M1 resolves 1 retry                    => done
        wait 2s
        a state                                => forwarded
        exceptions                             =>
        waiting                                => 0/0.00
        cut                                    => 2026-03-07 Z1
        wait 10s
        settled 2026-03-07                     => POS1 000001 balanced
    ",
    );
}

#[test]
fn what_is_too_old_is_not_sent_by_itself_and_a_person_can_send_it() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 12.00           => stored
        wait 70h
        1001 POS1 sells b card 13.00           => stored
        wait 3h
        a state                                => set_aside
        b state                                => stored
        exceptions                             => 1 offline_aside
        waiting                                => 2/25.00
        POS1 comes up
        wait 5s
        b state                                => forwarded
        a state                                => set_aside
        M1 resolves 1 retry                    => done
        wait 5s
        a state                                => forwarded
        exceptions                             =>
    ",
    );
}

#[test]
fn a_clock_that_jumps_for_seconds_sets_nothing_aside() {
    play(
        "
        all go down
        1001 POS1 sells a card 12.00           => stored
        1002 POS2 sells b card 13.00           => stored
        clock jumps 120h
        wait 4s
        a state                                => stored
        b state                                => stored
        exceptions                             => 1 clock_disagrees
        POS1 comes up
        wait 5s
        a state                                => stored
        POS1 goes down
        clock jumps -120h
        wait 4s
        all come up
        wait 5s
        a state                                => forwarded
        b state                                => forwarded
    ",
    );
}

#[test]
fn a_clock_set_back_keeps_nothing_young() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 12.00           => stored
        clock jumps -48h
        wait 73h
        a state                                => stored
        exceptions                             => 1 clock_disagrees
        POS1 comes up
        wait 5s
        a state                                => stored
        1001 POS1 sells b card 13.00           => approved
        POS1 goes down
        clock jumps 48h
        wait 2m
        a state                                => set_aside
        exceptions                             => 1 clock_disagrees, 2 offline_aside
    ",
    );
}

#[test]
fn what_may_be_too_old_waits_until_someone_has_looked_at_the_clock() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 12.00           => stored
        crash
        clock jumps 8760h
        start
        wait 5s
        a state                                => stored
        exceptions                             => 1 clock_disagrees
        T1 resolves 1 retry                    => done
        wait 5s
        a state                                => set_aside
        exceptions                             => 2 offline_aside
    ",
    );
}

#[test]
fn what_stands_aside_and_is_given_up_is_a_negative_voucher() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 12.00           => stored
        wait 73h
        a state                                => set_aside
        cut                                    => 2026-03-07 Z1
        M1 resolves 1 confirmed-approved       => bad_request
        M1 resolves 1 written-off              => done
        a state                                => rejected
        a card                                 => erased
        vouchers 2026-03-08                    => offline_rejected -12.00 1001
        bridge 2026-03-07                      => refused_offline 12.00
        POS1 comes up
        1001 POS1 sells b card 5.00            => approved
        wait 5s
        POS1 heard                             => sign-on sign-on sale
    ",
    );
}

#[test]
fn online_sales_and_the_backlog_take_turns() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 1.00            => stored
        1001 POS1 sells b card 1.00            => stored
        1001 POS1 sells c card 1.00            => stored
        1001 POS1 sells d card 1.00            => stored
        POS1 comes up
        wait 50ms
        1001 POS1 begins x card 2.00           => waiting
        1001 POS1 begins y card 2.00           => waiting
        wait 5s
        POS1 heard => sign-on offlinesale sale offlinesale sale offlinesale offlinesale
    ",
    );
}

#[test]
fn a_sealed_card_that_does_not_open_stands_aside_and_nothing_else_stops() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 12.00           => stored
        1001 POS1 sells b card 13.00           => stored
        a card is spoilt
        POS1 comes up
        wait 30s
        failures                               => 0
        a state                                => set_aside
        b state                                => forwarded
        exceptions                             => 1 offline_aside
        1001 POS1 sells c cash 13.00           => approved
    ",
    );
}

#[test]
fn a_device_that_nobody_configured_leaves_no_trace() {
    let shop = play(
        "
        1001 POSX sells a card 12.00           => unknown_device
        1001 POSY sells b card 12.00           => unknown_device
        POS1 heard                             => sign-on
    ",
    );
    assert_eq!(shop.writer().lines().lines.len(), 3);
}
