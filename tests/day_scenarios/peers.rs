//! The columns by which others are compared (cashier, device, float, in and out, blind count, over and short, X and Z, a closed day that is
//! locked, what is in flight at the close), each as one store's story.

use crate::words::play;

#[test]
fn by_cashier_and_by_device_from_one_ledger() {
    let shop = play(
        "
        1001 POS1 sells a card 10.00           => approved
        1001 POS2 sells b card 20.00           => approved         # one cashier at two devices
        1002 POS1 sells c card 30.00           => approved         # two cashiers at one device
        1002 POS1 sells d qr 5.00              => approved
        cut                                    => 2026-03-07 Z1
        channels 2026-03-07                    => card:CUP 60.00, qr:wechat 5.00
    ",
    );
    let day = crate::words::day(&shop, "2026-03-07");
    let nets = |groups: &[tilld::core::ports::GroupView]| {
        groups.iter().map(|g| format!("{} {}", g.id, g.net)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(nets(&day.by_cashier), "1001 3000, 1002 3500");
    assert_eq!(nets(&day.by_device), "POS1 4500, POS2 2000");
    let cells: Vec<_> = day.matrix.iter().map(|c| format!("{}@{} {}", c.cashier, c.device, c.net)).collect();
    assert_eq!(cells, ["1001@POS1 1000", "1001@POS2 2000", "1002@POS1 3500"]);
    assert!(day.cross_foot);
}

#[test]
fn float_in_and_out_blind_count_over_and_short() {
    play(
        "
        1001 opens shift POS1 200.00           => shift 1
        1001 POS1 sells a cash 30.00           => approved
        1001 POS1 pays-in 50.00                => done
        1001 POS1 pays-out 80.00               => done
        1001 closes shift                      => not_counted      # a count is never skipped
        1001 POS1 counts 198.00                => done             # it does not say that 200.00 was expected
        1001 closes shift                      => shift 1          # a difference is booked, never refused
        drawers 2026-03-07                     => 1001 POS1 200.00 -2.00
    ",
    );
}

#[test]
fn an_x_report_at_any_moment_closes_nothing() {
    let shop = play(
        "
        1001 POS1 sells a card 10.00           => approved
        day 2026-03-07 => open sale 1/10.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 10.00
        all go down
        1001 POS1 sells b card 20.00           => stored
        day 2026-03-07 => open sale 2/30.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 30.00
        1001 POS1 refunds a as r 4.00 card     => needs_line       # a refused refund is in no report
        day 2026-03-07 => open sale 2/30.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 30.00
    ",
    );
    let before = (shop.ledger().head, shop.ledger().link);
    let (first, second) = (crate::words::day(&shop, "2026-03-07"), crate::words::day(&shop, "2026-03-07"));
    assert_eq!(first, second);
    assert_eq!(before, (shop.ledger().head, shop.ledger().link), "to look is not to write");
    assert!(first.cross_foot && first.check_code.is_none() && first.z_number == 1);
}

#[test]
fn z_numbers_go_on_and_a_closed_day_stays_as_it_was() {
    let shop = play(
        "
        1001 POS1 sells a card 10.00           => approved
        M1 cuts                                => 2026-03-07 Z1
        M1 cuts                                => day_closed       # a double close
        1001 POS1 refunds a as r 4.00 card     => approved         # corrections belong to the open day
        wait 24h
        M1 cuts                                => 2026-03-08 Z2
        wait 1m
        day 2026-03-07 => balanced sale 1/10.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 10.00
        day 2026-03-08 => balanced sale 0/0.00 refund 1/4.00 void 0/0.00 vouchers 0/0.00 net -4.00
    ",
    );
    let (first, second) = (crate::words::day(&shop, "2026-03-07"), crate::words::day(&shop, "2026-03-08"));
    assert_eq!((first.z_number, second.z_number), (1, 2));
    assert_eq!((first.grand_total.0, second.grand_total.0), (1_000, 600), "the grand total goes on over the days");
    assert_eq!(second.first_seq, first.last_seq + 1, "no row lies between two days");
    assert!(first.check_code.is_some() && first.check_code != second.check_code);
}

#[test]
fn what_is_in_flight_at_the_close_is_neither_lost_nor_counted_twice() {
    play(
        "
        hire 1003 cashier                      => done
        POS1 next lose-answer
        1001 POS1 begins a card 10.00
        1002 POS2 sells b card 20.00           => approved
        checklist                              => look open_shifts 2, look in_flight 1
        all go down
        1003 POS3 sells c card 30.00           => stored
        checklist                              => look open_shifts 3, look unknown 1, look offline_waiting 1, look reversals 1, look line_down 3
        cut                                    => 2026-03-07 Z1
        pending 2026-03-07                     => unknown 10.00, stored 30.00
        day 2026-03-07 => cut sale 2/50.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 50.00
        unsettled 2026-03-07                   => POS2 000001 0 days
        all come up
        wait 10m
        a state                                => reversed
        c state                                => forwarded
        reversals 2026-03-07                   => 1001 POS1 10.00 622202*********0128
        day 2026-03-07 => balanced sale 2/50.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 50.00
        unsettled 2026-03-08                   =>
    ",
    );
}

#[test]
fn an_offline_sale_that_is_refused_is_named_with_its_card_and_cashier() {
    play(
        "
        all go down
        1002 POS1 sells a card 30.00           => stored
        POS1 always code-51
        all come up
        wait 5m
        a state                                => rejected
        refused 2026-03-07                     => 1002 -30.00 622202*********0128
    ",
    );
}
