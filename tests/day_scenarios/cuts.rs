//! The day cut 日切: with payments in flight, without a line, missed, automatic; and that a closed day never changes.

use chrono::NaiveTime;

use crate::shop::rules;
use crate::words::{Told, play, play_with};
use tilld::core::day::CutSchedule;
use tilld::core::domain::Seq;
use tilld::core::ledger::{Rules, state_at};

#[test]
fn a_late_approval_is_a_voucher_in_the_open_day() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 next late-5s
        1001 POS1 begins b card 13.00             => sent
        1002 POS2 begins c card 14.00             => sent
        M1 cuts                                   => 2026-03-07 Z1
        b day                                     => 2026-03-07
        answer b                                  => approved
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 2/27.00 net 27.00
        wait 10s
        settled 2026-03-07                        => POS1 000001 balanced
        POS1 batch 000001                         => ended balanced debit 2/25.00 credit 0/0.00
        day 2026-03-07 => balanced sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
        vouchers 2026-03-08                       => late_answer 14.00 1002, late_answer 13.00 1001
    ",
    );
}

#[test]
fn a_manager_cuts_and_a_cashier_does_not() {
    play(
        "
        1001 cuts      => manager_required
        1009 cuts      => unknown_cashier
        M1 cuts        => 2026-03-07 Z1
    ",
    );
}

#[test]
fn a_second_close_of_the_same_evening_is_refused() {
    play(
        "
        1001 POS1 sells a cash 12.00              => approved
        cut                                       => 2026-03-07 Z1
        cut                                       => day_closed
        open-day                                  => 2026-03-08
        1001 POS1 sells b cash 12.00              => approved
        cut                                       => 2026-03-08 Z2
        wait 40h
        cut                                       => 2026-03-09 Z3
    ",
    );
}

#[test]
fn the_next_days_advices_go_into_the_next_batch() {
    play(
        "
        1001 POS1 sells o card 1.00               => approved
        all go down
        1001 POS1 sells a card 12.00              => stored
        cut                                       => 2026-03-07 Z1
        1001 POS1 sells b card 13.00              => stored
        day 2026-03-07 => cut sale 2/13.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 13.00
        all come up
        wait 10s
        a batch                                   => 000001
        b batch                                   => 000002
        settled 2026-03-07                        => POS1 000001 balanced
        settled 2026-03-08                        => POS1 000002 pending
        POS1 heard => sign-on sale offlinesale settle end-207-0 offlinesale
        cut                                       => 2026-03-08 Z2
        wait 10s
        settled 2026-03-08                        => POS1 000002 balanced
    ",
    );
}

#[test]
fn after_two_cut_days_each_has_its_own_batch() {
    play(
        "
        all go down
        1001 POS1 sells a card 12.00              => stored
        1002 POS2 sells k cash 1.00               => approved
        cut                                       => 2026-03-07 Z1
        1001 POS1 sells b card 13.00              => stored
        1002 POS2 sells x card 3.00               => stored
        cut                                       => 2026-03-08 Z2
        1001 POS1 sells c card 14.00              => stored
        all come up
        wait 30s
        POS1 heard => sign-on offlinesale settle end-207-0 offlinesale settle end-207-0 offlinesale
        POS2 heard => sign-on offlinesale settle end-207-0
        a batch                                   => 000001
        b batch                                   => 000002
        c batch                                   => 000003
        settled 2026-03-07                        => POS1 000001 balanced
        settled 2026-03-08                        => POS1 000002 balanced, POS2 000001 balanced
        day 2026-03-07 => balanced sale 2/13.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 13.00
    ",
    );
}

#[test]
fn a_settlement_of_which_nothing_is_left_does_not_hold_up_the_next_day() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 12.00              => stored
        cut                                       => 2026-03-07 Z1
        1001 POS1 voids a as v                    => approved
        1001 POS1 sells b card 13.00              => stored
        POS1 comes up
        wait 10s
        b state                                   => forwarded
        1001 POS1 sells c card 14.00              => approved
        wait 10s
        POS1 heard                                => sign-on offlinesale sale
        day 2026-03-07 => balanced sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
        bridge 2026-03-07                         => voided_before_sending 12.00
        bridge 2026-03-08                         => batch:POS1:000001 27.00, voided_before_sending -12.00
    ",
    );
}

#[test]
fn a_sale_stored_after_the_cut_of_its_day_is_a_voucher() {
    play(
        "
        POS1 next late-40s
        1001 POS1 begins a card 12.00             => sent
        1001 POS1 begins b card 13.00             => waiting
        cut                                       => 2026-03-07 Z1
        wait 30s
        b state                                   => stored
        b day                                     => 2026-03-07
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 1/13.00 net 13.00
        wait 20s
        day 2026-03-08 => open sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 2/25.00 net 25.00
        b state                                   => forwarded
        POS1 batch 000001                         => ended balanced debit 2/25.00 credit 0/0.00
    ",
    );
}

#[test]
fn a_closed_day_never_changes() {
    let shop = play(
        "
        1001 POS1 sells a card 12.00              => approved
        all go down
        1001 POS1 sells b card 20.00              => stored
        1002 POS2 sells c card 30.00              => stored
        cut                                       => 2026-03-07 Z1
    ",
    );
    let date = tilld::core::domain::BusinessDate::parse("2026-03-07").unwrap();
    let sealed = shop.reader().day(date).unwrap().unwrap();
    let mut told = crate::words::Told::with(shop);
    told.tell(
        "
        POS1 next code-14
        all come up
        wait 20s
        1001 POS1 sells d cash 1.00               => approved
        1001 POS1 refunds a as r 2.00 stripe      => approved
        1002 POS2 refunds c as s 2.00 stripe      => approved
        cut                                       => 2026-03-08 Z2
        wait 20s
        cut                                       => day_closed
    ",
    );
    let now = told.shop.reader().day(date).unwrap().unwrap();
    assert_eq!(
        (now.body, now.first, now.last, now.root, now.z),
        (sealed.body, sealed.first, sealed.last, sealed.root, sealed.z)
    );
    let tail: serde_json::Value = serde_json::from_slice(&now.tail).unwrap();
    assert_eq!(tail["state"], "balanced");
    assert_eq!(tail["net"], 6200);
}

#[test]
fn missed_days_are_cut_in_order() {
    let mut rules = rules();
    rules.cut = CutSchedule::At(NaiveTime::from_hms_opt(3, 0, 0).unwrap());
    play_with(
        rules,
        "
        1001 POS1 sells a cash 12.00              => approved
        wait 17h
        open-day                                  => 2026-03-07
        wait 2h
        open-day                                  => 2026-03-08
        wait 1h
        open-day                                  => 2026-03-08
        crash
        clock jumps 72h
        start
        wait 5s
        open-day                                  => 2026-03-11
        day 2026-03-09 => balanced sale 0/0.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 0.00
    ",
    );
}

#[test]
fn a_clock_that_jumps_cuts_nothing_and_says_so_once() {
    let mut rules = rules();
    rules.cut = CutSchedule::At(NaiveTime::from_hms_opt(3, 0, 0).unwrap());
    play_with(
        rules,
        "
        1001 POS1 sells a cash 12.00              => approved
        clock jumps 30h
        wait 30s
        open-day                                  => 2026-03-07
        exceptions                                => 1 clock_disagrees
        M1 cuts                                   => 2026-03-07 Z1
        wait 5s
        open-day                                  => 2026-03-08
        M1 resolves 1 noted                       => done
        wait 5s
        exceptions                                =>
    ",
    );
}

fn at_three() -> Rules {
    Rules { cut: CutSchedule::At(NaiveTime::from_hms_opt(3, 0, 0).unwrap()), ..rules() }
}

/// The acquirer's answers carry no year: the journal knows it.
#[test]
fn a_clock_wrong_by_a_year_at_the_start_cuts_nothing_and_sales_go_on() {
    play_with(
        at_three(),
        "
        bank shows 0307 090000
        1001 POS1 sells a card 12.00              => approved
        crash
        clock jumps 8760h
        start
        wait 15s
        open-day                                  => 2026-03-07
        exceptions                                => 1 clock_disagrees
        1001 POS1 sells b card 1.00               => approved
        b day                                     => 2026-03-07
        M1 cuts                                   => 2026-03-07 Z1
        wait 5s
        open-day                                  => 2026-03-08
        crash
        clock jumps -8760h
        start
        wait 15s
        open-day                                  => 2026-03-08
    ",
    );
}

#[test]
fn a_start_with_a_wrong_clock_waits_for_the_acquirers() {
    play_with(
        at_three(),
        "
        1001 POS1 sells a card 12.00              => approved
        crash
        clock jumps 72h
        bank shows 0307 090000
        POS1 next late-3s
        POS2 always lose-answer
        POS3 always lose-answer
        start
        wait 30s
        open-day                                  => 2026-03-07
        exceptions                                => 1 clock_disagrees
        crash
        clock jumps -72h
        start
        wait 5s
        open-day                                  => 2026-03-07
    ",
    );
}

#[test]
fn a_start_without_a_line_ten_years_ahead_cuts_nothing() {
    play_with(
        at_three(),
        "
        all go down
        1001 POS1 sells a card 12.00              => stored
        crash
        clock jumps 87600h
        start
        wait 30s
        open-day                                  => 2026-03-07
        a state                                   => stored
        exceptions                                => 1 clock_disagrees
        1001 POS1 sells b cash 1.00               => approved
        M1 resolves 1 noted                       => done
        wait 5s
        open-day                                  => 2026-03-07
        exceptions                                => 2 clock_disagrees
    ",
    );
}

#[test]
fn after_a_holiday_the_store_opens_on_the_right_day_and_after_a_longer_absence_when_someone_has_looked() {
    play_with(
        at_three(),
        "
        all go down
        1001 POS1 sells a cash 12.00              => approved
        crash
        clock jumps 240h
        start
        wait 15s
        open-day                                  => 2026-03-17
        crash
        clock jumps 1440h
        start
        wait 15s
        open-day                                  => 2026-03-17
        exceptions                                => 1 clock_disagrees
        1001 POS1 sells b cash 1.00               => approved
        1001 resolves 1 retry                     => manager_required
        commit fails
        M1 resolves 1 retry                       => storage_failed
        failures                                  => 1
        wait 5s
        open-day                                  => 2026-03-17
        M1 resolves 1 retry                       => done
        wait 5s
        open-day                                  => 2026-05-16
        exceptions                                =>
        day 2026-03-17 => balanced sale 1/1.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 1.00
        M1 cuts                                   => 2026-05-16 Z12
        wait 48h
        open-day                                  => 2026-05-18
    ",
    );
}

/// A till without a clock of its own: it starts years behind, and the network sets it right.
#[test]
fn a_clock_that_is_set_right_after_the_start_is_believed_once_the_acquirer_agrees() {
    play_with(
        at_three(),
        "
        1001 POS1 sells a cash 12.00              => approved
        crash
        clock jumps -8760h
        start
        wait 30s
        clock jumps 8784h
        wait 5s
        open-day                                  => 2026-03-07
        exceptions                                => 1 clock_disagrees
        bank shows 0308 090000
        1001 POS1 sells b card 1.00               => approved
        wait 5s
        open-day                                  => 2026-03-08
    ",
    );
}

#[test]
fn a_second_close_after_midnight_is_refused_as_well() {
    let mut rules = rules();
    rules.cut = CutSchedule::At(NaiveTime::from_hms_opt(3, 0, 0).unwrap());
    play_with(
        rules,
        "
        1001 POS1 sells a cash 12.00              => approved
        wait 17h
        cut                                       => 2026-03-07 Z1
        cut                                       => day_closed
        wait 2h
        open-day                                  => 2026-03-08
        wait 24h
        open-day                                  => 2026-03-09
    ",
    );
}

/// The state as of a row of long ago: what came after it is not read.
#[test]
fn a_past_state_costs_the_rows_up_to_it() {
    let mut told = Told::new(rules());
    for day in 0..3 {
        for sale in 0..20 {
            told.tell(&format!("1001 POS1 sells d{day}s{sale} cash 1.00 => approved"));
        }
        told.tell(&format!("cut => 2026-03-{:02} Z{}", 7 + day, 1 + day));
    }
    let head = told.shop.ledger().head;
    let store = told.shop.writer().store();
    for row in [Seq(2), Seq(30), head] {
        told.shop.trouble.replayed.store(0, std::sync::atomic::Ordering::Relaxed);
        let past = state_at(store, row, told.shop.ledger().open).unwrap();
        assert_eq!(past.head, row);
        let read = told.shop.trouble.replayed.load(std::sync::atomic::Ordering::Relaxed);
        assert!((0..=30).contains(&read), "row {row} of {head}: {read} rows were read");
    }
}
