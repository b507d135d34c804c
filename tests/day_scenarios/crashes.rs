//! The store fails, the process dies: memory is what the store has, and nothing that was let out is missing.

use crate::words::{play, play_on_disk};

#[test]
fn a_commit_that_fails_refuses_every_command_and_memory_is_the_store() {
    play(
        "
        1001 POS1 sells a cash 12.00      => approved
        rows                              => 14
        commit fails
        1001 POS1 sells b cash 13.00      => storage_failed
        rows                              => 14
        failures                          => 1
        1001 POS1 sells b cash 13.00      => approved
        row 1 fails
        1002 POS2 sells c cash 14.00      => storage_failed
        failures                          => 1
        1002 POS2 sells c cash 14.00      => approved
        commit fails
        cut                               => storage_failed
        open-day                          => 2026-03-07
        cut                               => 2026-03-07 Z1
        day 2026-03-07 => balanced sale 3/39.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 39.00
    ",
    );
}

#[test]
fn a_report_whose_commit_failed_is_not_forgotten() {
    play(
        "
        1001 POS1 begins a card 12.00     => sent
        commit fails
        wait 3s
        failures                          => 1
        a state                           => approved
        answer a                          => approved
        1001 POS1 sells b card 12.00      => approved
    ",
    );
}

#[test]
fn whoever_waits_for_another_step_is_not_told_that_nothing_was_done() {
    play(
        "
        1001 POS1 begins a card 12.00     => sent
        1001 POS1 begins w card 15.00     => waiting
        commit fails
        1002 POS2 sells b cash 13.00      => storage_failed
        answer a                          => approved
        answer w                          => approved
        1001 POS1 sells c card 12.00      => approved
    ",
    );
}

#[test]
fn a_card_of_a_payment_that_never_was_does_not_stay_in_memory_for_the_next_one() {
    play(
        "
        POS1 next lose-answer
        1001 POS1 begins x card 12.00             => sent
        commit fails
        1001 POS1 sells a card 12.00 foreign      => storage_failed
        1001 POS1 begins b card 12.00             => waiting
        wait 2m
        x state                                   => reversed
        b state                                   => forwarded
        cut                                       => 2026-03-07 Z1
        wait 5s
        settled 2026-03-07                        => POS1 000001 balanced
    ",
    );
}

#[test]
fn what_was_sent_when_the_power_went_is_unknown_and_reversed() {
    play_on_disk(
        "
        1001 POS1 sells z card 1.00       => approved
        1001 POS1 begins a card 12.00     => sent
        1001 POS1 begins w card 15.00     => waiting
        crash
        start
        a state                           => unknown
        w state                           => cancelled
        w card                            => erased
        wait 1s
        a state                           => reversed
        POS1 heard                        => sign-on sale sale sign-on reversal
        1001 POS1 sells a card 12.00      => reversed
        1001 POS1 sells w card 15.00      => cancelled
        cut                               => 2026-03-07 Z1
        wait 5s
        settled 2026-03-07                => POS1 000001 balanced
    ",
    );
}

#[test]
fn stored_sales_survive_and_are_sent_once() {
    play_on_disk(
        "
        all go down
        1001 POS1 sells a card 12.00      => stored
        1001 POS1 sells b card 13.00      => stored
        crash
        start
        waiting                           => 2/25.00
        all come up
        wait 150ms
        crash
        start
        wait 5s
        a state                           => forwarded
        b state                           => forwarded
        cut                               => 2026-03-07 Z1
        crash
        start
        wait 5s
        settled 2026-03-07                => POS1 000001 balanced
    ",
    );
}

#[test]
fn a_void_under_way_when_the_power_went_leaves_the_sale_free_again() {
    play_on_disk(
        "
        1001 POS1 sells a card 12.00      => approved
        cut                               => 2026-03-07 Z1
        wait 5s
        1001 POS1 sells b card 12.00      => approved
        1001 POS1 starts-void b as v      => sent
        crash
        start
        b busy                            => yes
        wait 1s
        v state                           => reversed
        b busy                            => no
        1001 POS1 voids b as v2           => approved
        1001 POS1 refunds a as r 2.00 stripe => approved
        crash
        start
        a refunded                        => 2.00
        b voided                          => yes
    ",
    );
}
