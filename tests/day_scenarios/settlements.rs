//! The ladder of a batch: asked, verdict, uploaded, ended; and what happens when a rung is not answered.

use crate::shop::rules;
use crate::words::{play, play_with};

#[test]
fn an_unanswered_settlement_and_end_are_repeated_unchanged() {
    play("
        1001 POS1 sells a card 12.00              => approved
        POS1 next lose-answer
        POS1 next lose-request
        cut                                       => 2026-03-07 Z1
        wait 100s
        settled 2026-03-07                        => POS1 000001 unconfirmed
        day 2026-03-07 => asked sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
        POS1 next late-50ms                       # the third 0500 is answered
        POS1 next lose-answer
        1001 POS1 sells b card 13.00              => stored
        wait 25s
        POS1 heard exactly => sign-on 000001/000001, sale 000001/000002, settle 000001/000003, settle 000001/000003, end-207-0 000001/000004
        settled 2026-03-07                        => POS1 000001 balanced
        day 2026-03-07 => uploaded sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
        wait 3m
        POS1 heard exactly => end-207-0 000001/000004, offlinesale 000002/000005
        day 2026-03-07 => balanced sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
    ");
}

#[test]
fn a_crash_at_every_rung_resumes_on_the_same_rung() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        cut                                       => 2026-03-07 Z1
        POS1 under-way                            => settle
        crash
        start
        POS1 batch 000001                         => asked unconfirmed debit 1/12.00 credit 0/0.00
        wait 150ms
        POS1 under-way                            => settle
        wait 100ms
        POS1 under-way                            => end
        crash
        start
        wait 1s
        POS1 batch 000001                         => ended balanced debit 1/12.00 credit 0/0.00
        POS1 heard                                => sign-on sale settle sign-on settle end-207-0 sign-on
    ",
    );
}

#[test]
fn the_end_was_answered_only_after_a_restart() {
    let shop = play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 next late-50ms                       # the verdict comes
        POS1 next lose-answer                     # the end's answer does not
        cut                                       => 2026-03-07 Z1
        wait 10s
        POS1 batch 000001                         => uploaded balanced debit 1/12.00 credit 0/0.00
        crash
        start
        wait 5s
        POS1 batch 000001                         => ended balanced debit 1/12.00 credit 0/0.00
        a card                                    => erased
        1001 POS1 sells b card 13.00              => approved
        b batch                                   => 000002
    ",
    );
    let slips = shop.jobs("batch_slip");
    assert_eq!(slips, 1, "the slip of a batch whose end was seen");
}

#[test]
fn a_batch_number_that_makes_no_sense_stops_cards_and_cash_goes_on() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 is told batch 7
        crash
        start
        1001 POS1 begins w card 1.00              => waiting
        wait 1s
        w state                                   => cancelled
        exceptions                                => 1 batch_disagrees
        1001 POS1 sells b card 13.00              => batch_disagrees
        1001 POS1 sells c qr 13.00                => batch_disagrees
        1001 POS1 voids a as v                    => batch_disagrees
        1001 POS1 sells d cash 13.00              => approved
        1002 POS2 sells e card 13.00              => approved
        settled 2026-03-07                        => POS1 000001 unconfirmed, POS2 000001 pending
        POS1 is told batch its-own
        1001 decides 1 batch 1                    => manager_required
        M1 resolves 1 noted                       => bad_request
        T1 decides 1 batch 1                      => done
        exceptions                                =>
        wait 2s
        1001 POS1 sells f card 13.00              => approved
    ",
    );
}

#[test]
fn an_empty_batch_takes_the_banks_number() {
    play(
        "
        POS1 is told batch 41
        crash
        start
        wait 1s
        exceptions                                =>
        POS1 batch 41                             => open pending debit 0/0.00 credit 0/0.00
    ",
    );
}

#[test]
fn a_batch_settles_by_itself_when_it_fills_up() {
    let mut rules = rules();
    rules.channel.batch_limits.count = 3;
    play_with(
        rules,
        "
        1001 POS1 sells a card 1.00               => approved
        1001 POS1 sells b card 1.00               => approved
        POS1 batch 000001                         => open pending debit 2/2.00 credit 0/0.00
        1001 POS1 sells c card 1.00               => approved
        POS1 under-way                            => settle
        1001 POS1 sells d card 1.00               => approved
        d batch                                   => 000002
        settled 2026-03-07                        => POS1 000001 balanced, POS1 000002 pending
        day 2026-03-07 => open sale 4/4.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 4.00
        cut                                       => 2026-03-07 Z1
        wait 5s
        day 2026-03-07 => balanced sale 4/4.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 4.00
    ",
    );
}

#[test]
fn a_batch_settles_by_itself_before_its_sum_or_its_records_reach_their_limit() {
    let mut rules = rules();
    rules.channel.batch_limits.sum = tilld::core::domain::Minor(3_000);
    play_with(
        rules.clone(),
        "
        1001 POS1 sells a card 20.00              => approved
        1001 POS1 sells b card 10.01              => approved   # would not fit: the batch is settled first
        b batch                                   => 000002
        settled 2026-03-07                        => POS1 000001 balanced, POS1 000002 pending
        1001 POS1 sells c card 500.00             => approved   # above the limit by itself: a batch of its own
        c batch                                   => 000003
        1001 POS1 sells d card 1.00               => approved
        d batch                                   => 000004
        POS1 batch 000003                         => ended balanced debit 1/500.00 credit 0/0.00
    ",
    );
    rules.channel.batch_limits = Default::default();
    rules.channel.batch_limits.records = 3;
    play_with(
        rules,
        "
        1001 POS1 sells a card 20.00              => approved
        1001 POS1 voids a as v                    => approved
        POS1 batch 000001                         => open pending debit 1/20.00 credit 1/20.00
        1001 POS1 sells b card 10.00              => approved
        wait 5s
        POS1 batch 000001                         => ended balanced debit 2/30.00 credit 1/20.00
    ",
    );
}

#[test]
fn a_backlog_that_fills_a_batch_goes_on_in_the_next() {
    let mut rules = rules();
    rules.channel.batch_limits.count = 2;
    play_with(
        rules,
        "
        POS1 goes down
        1001 POS1 sells a card 1.00               => stored
        1001 POS1 sells b card 1.00               => stored
        1001 POS1 sells c card 1.00               => stored
        cut                                       => 2026-03-07 Z1
        1001 POS1 sells d card 1.00               => stored
        POS1 comes up
        wait 10s
        POS1 heard => sign-on offlinesale offlinesale settle end-207-0 offlinesale settle end-207-0 offlinesale
        settled 2026-03-07                        => POS1 000001 balanced, POS1 000002 balanced
        d batch                                   => 000003
    ",
    );
}

#[test]
fn an_unbalanced_batch_is_uploaded_in_eights_and_ended_202() {
    let mut told = crate::words::Told::new(rules());
    for n in 0..19 {
        told.tell(&format!("1001 POS1 sells s{n} card 1.00 => approved"));
    }
    told.tell(
        "
        POS1 next code-51
        1001 POS1 sells no card 5.00              => declined
        POS1 next lose-answer
        1001 POS1 sells lost card 6.00            => unknown
        wait 1s
        lost state                                => reversed
        1001 POS1 voids s3 as v3                  => approved
        bank forgets s7
    ",
    );
    told.tell(
        "
        cut                                       => 2026-03-07 Z1
        POS1 next late-50ms
        wait 200ms
        POS1 next lose-answer                     # an upload whose answer is lost is sent again
        wait 5m
        settled 2026-03-07                        => POS1 000001 unbalanced
        POS1 batch 000001                         => ended unbalanced debit 19/19.00 credit 1/1.00
        exceptions                                => 1 unbalanced
        s0 card                                   => erased
    ",
    );
    let heard: Vec<String> = told.shop.bank.account(&crate::shop::terminal("POS1")).heard.clone();
    let tail: Vec<&str> =
        heard.iter().rev().take_while(|h| !h.starts_with("settle")).map(|h| h.split(' ').next().unwrap()).collect();
    assert_eq!(tail.first().copied(), Some("end-202-20"), "{heard:?}");
    assert!(tail.iter().skip(1).all(|w| w.starts_with("upload-")), "{heard:?}");
}

/// A payment code is no card number: its record has zeros there, and the bank finds it by its STAN.
#[test]
fn a_scanned_code_is_uploaded_without_a_card_number() {
    let mut told = crate::words::Told::new(rules());
    told.tell(
        "
        1001 POS1 sells c card 1.00               => approved
        1001 POS1 sells q qr 2.00                 => approved
        1001 POS1 sells w qr 3.00                 => approved
        POS1 next lose-answer
        1001 POS1 refunds c as r 1.00 stripe      => unknown
        cut                                       => 2026-03-07 Z1
        wait 5m
        settled 2026-03-07                        => POS1 000001 unbalanced
        q card                                    => erased
    ",
    );
    let heard = &told.shop.bank.account(&crate::shop::terminal("POS1")).heard;
    assert!(heard.iter().any(|h| h.starts_with("upload-3 ")), "{heard:?}");
    assert_eq!(told.shop.bank.findings, [""; 0]);
}

/// One damaged card is one record less, and a person's matter; the terminal settles.
#[test]
fn a_record_whose_card_does_not_open_is_left_out_and_told() {
    let mut told = crate::words::Told::new(rules());
    told.tell(
        "
        1001 POS1 sells a card 1.00               => approved
        1001 POS1 sells b card 2.00               => approved
        1001 POS1 sells c card 3.00               => approved
        bank forgets a
        b card is spoilt
        cut                                       => 2026-03-07 Z1
        wait 5m
        settled 2026-03-07                        => POS1 000001 unbalanced
        POS1 batch 000001                         => ended unbalanced debit 3/6.00 credit 0/0.00
        exceptions                                => 1 unbalanced, 2 record_skipped
        M1 resolves 2 noted                       => done
        1001 POS1 sells d card 4.00               => approved
        d batch                                   => 000002
    ",
    );
    let heard = &told.shop.bank.account(&crate::shop::terminal("POS1")).heard;
    assert!(heard.iter().any(|h| h.starts_with("upload-2 ")), "{heard:?}");
    assert!(heard.iter().any(|h| h.starts_with("end-202-2 ")), "{heard:?}");
    assert_eq!(told.shop.bank.findings, [""; 0]);
}

/// The card is damaged between an upload and its repeat. The record goes up no more, and never without its card.
#[test]
fn a_record_whose_card_does_not_open_is_left_out_of_a_repeated_upload_and_told() {
    for (fault, findings) in [
        ("lose-request", vec![]),
        // The acquirer has had all three: nobody here can know. What it has, it does not get twice; the person who is told sees it in the statement.
        ("lose-answer", vec!["POS1: the end names 2 records, 3 came"]),
    ] {
        let mut told = crate::words::Told::new(rules());
        told.tell(&format!(
            "
            1001 POS1 sells a card 1.00               => approved
            1001 POS1 sells b card 2.00               => approved
            1001 POS1 sells c card 3.00               => approved
            bank forgets a
            POS1 next late-50ms                       # the 0500 is answered
            POS1 next {fault}
            cut                                       => 2026-03-07 Z1
            wait 500ms
            b card is spoilt
        "
        ));
        told.shop.pass(300_000);
        assert_eq!(std::mem::take(&mut told.shop.bank.findings), findings, "{fault}");
        told.tell(
            "
            settled 2026-03-07                        => POS1 000001 unbalanced
            POS1 batch 000001                         => ended unbalanced debit 3/6.00 credit 0/0.00
            exceptions                                => 1 unbalanced, 2 record_skipped
            1001 POS1 sells d card 4.00               => approved
            d batch                                   => 000002
        ",
        );
        let heard = &told.shop.bank.account(&crate::shop::terminal("POS1")).heard;
        let uploads: Vec<_> = heard.iter().filter(|h| h.starts_with("upload-")).collect();
        let stan = |heard: &String| heard.split(' ').nth(1).unwrap().to_owned();
        assert!(uploads.iter().all(|h| stan(h) == stan(uploads[0])), "{fault}: {heard:?}");
        assert!(uploads.last().unwrap().starts_with("upload-2 "), "{fault}: {heard:?}");
        assert!(heard.iter().any(|h| h.starts_with("end-202-2 ")), "{fault}: {heard:?}");
    }
}

#[test]
fn an_upload_of_one_record_whose_card_does_not_open_any_more_is_not_repeated() {
    let mut told = crate::words::Told::new(rules());
    told.tell(
        "
        1001 POS1 sells a card 1.00               => approved
        bank forgets a
        POS1 next late-50ms
        POS1 next lose-request
        cut                                       => 2026-03-07 Z1
        wait 500ms
        a card is spoilt
        wait 5m
        settled 2026-03-07                        => POS1 000001 unbalanced
        exceptions                                => 1 unbalanced, 2 record_skipped
    ",
    );
    assert_eq!(told.shop.bank.findings, [""; 0]);
}

#[test]
fn a_record_of_its_own_that_cannot_be_built_is_left_out_and_told() {
    let mut told = crate::words::Told::new(rules());
    told.tell(
        "
        1001 POS1 sells a card 1.00               => approved
        1001 POS1 refunds a as r 1.00 stripe      => approved
        1001 POS1 sells b card 2.00               => approved
        bank forgets b
        POS1 next late-50ms                       # the 0500 is answered
        POS1 next late-50ms                       # and two records in one message
        POS1 next not-built                       # the refund has one of its own
        cut                                       => 2026-03-07 Z1
        wait 5m
        POS1 batch 000001                         => ended unbalanced debit 2/3.00 credit 1/1.00
        exceptions                                => 1 unbalanced, 2 record_skipped
    ",
    );
    let heard = &told.shop.bank.account(&crate::shop::terminal("POS1")).heard;
    assert!(heard.iter().any(|h| h.starts_with("end-202-2 ")), "{heard:?}");
    assert!(!heard.iter().any(|h| h.starts_with("upload-one")), "{heard:?}");
}

/// It is tried further, with growing pauses; a person hears of it, once.
#[test]
fn a_settlement_that_is_refused_again_and_again_is_told() {
    let mut told = crate::words::Told::new(rules());
    told.tell("1001 POS1 sells a card 1.00 => approved");
    for _ in 0..8 {
        // The settlement, and the sign-on that follows each refusal.
        told.tell("POS1 next code-96");
        told.tell("POS1 next late-50ms");
    }
    told.tell(
        "
        cut                                       => 2026-03-07 Z1
        wait 10s
        exceptions                                =>
        wait 2h
        exceptions                                => 1 settlement_refused
        settled 2026-03-07                        => POS1 000001 balanced
        POS1 batch 000001                         => ended balanced debit 1/1.00 credit 0/0.00
    ",
    );
}

/// A bad line is no refusal: nobody is sent to the acquirer for it.
#[test]
fn a_settlement_that_is_not_answered_for_long_and_then_refused_once_is_nobodys_matter() {
    let mut told = crate::words::Told::new(rules());
    told.tell("1001 POS1 sells a card 1.00 => approved");
    (0..6).for_each(|_| told.tell("POS1 next lose-request"));
    told.tell(
        "
        POS1 next code-96
        cut                                       => 2026-03-07 Z1
        wait 3h
        exceptions                                =>
        POS1 batch 000001                         => ended balanced debit 1/1.00 credit 0/0.00
    ",
    );
}

/// Not every bank answers a repeat as it answered at first: some know only that they have had it.
#[test]
fn a_repeated_upload_that_is_refused_as_a_duplicate_is_delivered() {
    let mut told = crate::words::Told::new(rules());
    told.shop.bank.again = "94";
    told.tell(
        "
        1001 POS1 sells a card 1.00               => approved
        1001 POS1 sells b card 2.00               => approved
        bank forgets a
        POS1 next late-50ms                       # the 0500 is answered
        POS1 next lose-answer                     # the upload is not
        M1 cuts                                   => 2026-03-07 Z1
        wait 5m
        settled 2026-03-07                        => POS1 000001 unbalanced
        POS1 batch 000001                         => ended unbalanced debit 2/3.00 credit 0/0.00
    ",
    );
}

/// The end arrived, its answer did not, and the bank has gone on to the next batch: its number says so.
#[test]
fn an_end_that_is_refused_when_it_is_repeated_is_proved_by_the_banks_number() {
    let mut told = crate::words::Told::new(rules());
    told.shop.bank.again = "12";
    told.tell(
        "
        1001 POS1 sells a card 1.00               => approved
        POS1 next late-50ms                       # the 0500 is answered
        POS1 next lose-answer                     # the end is not
        M1 cuts                                   => 2026-03-07 Z1
        wait 2m
        settled 2026-03-07                        => POS1 000001 balanced
        1001 POS1 sells b card 2.00               => approved
        b batch                                   => 000002
        exceptions                                =>
    ",
    );
}

#[test]
fn from_the_settlement_to_its_end_no_payment_leaves_the_terminal() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 next late-30s
        POS1 settles                              => done
        POS1 under-way                            => settle
        1001 POS1 sells b card 13.00              => stored
        1001 POS1 sells c card 13.00 pin          => cancelled
        1001 POS1 voids a as v                    => settling
        1001 POS1 sells d cash 13.00              => approved
        wait 30s
        b state                                   => forwarded
        b batch                                   => 000002
    ",
    );
}

#[test]
fn sums_that_near_their_twelve_digits_settle_first() {
    let mut rules = rules();
    rules.max_amount = tilld::core::domain::Minor::MAX_ISO;
    play_with(
        rules,
        "
        1001 POS1 sells a card 8000000000.00      => approved
        1001 POS1 sells b card 8000000000.00      => approved
        a batch                                   => 000001
        b batch                                   => 000002
        cut                                       => 2026-03-07 Z1
        wait 5s
        settled 2026-03-07                        => POS1 000001 balanced, POS1 000002 balanced
    ",
    );
}

/// 0500 is answered, the end is not for a long time, and meanwhile the acquirer's number is another.
#[test]
fn a_technicians_new_batch_is_not_ended_by_an_answer_to_the_old_one() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 next late-50ms
        POS1 next late-90s
        POS1 settles                              => done
        POS1 is told batch 7
        wait 1s
        crash
        start
        wait 1s
        exceptions                                => 1 batch_disagrees
        T1 decides 1 batch 9                      => done
        POS1 is told batch its-own
        wait 30s
        POS1 batch 9                              => open pending debit 0/0.00 credit 0/0.00
        POS1 batch 1                              => uploaded balanced debit 1/12.00 credit 0/0.00
    ",
    );
}

#[test]
fn a_healthy_terminals_batch_is_nobodys_to_change() {
    play(
        "
        1001 POS1 sells a card 90.00              => approved
        POS1 next lose-request
        1001 POS1 refunds a as r 1.00             => unknown
        exceptions                                => 1 unknown_payment
        T1 decides 1 batch 77                     => bad_request
        T1 decides 2 batch 77                     => unknown_exception
        exceptions                                => 1 unknown_payment
        1001 POS1 sells b card 5.00               => approved
        b batch                                   => 000001
        POS1 batch 000001                         => open pending debit 2/95.00 credit 0/0.00
        POS1 batch 000077                         => none
    ",
    );
}

#[test]
fn a_batch_that_has_ended_or_is_half_asked_is_never_begun_again() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 settles                              => done
        wait 5s
        POS1 batch 000001                         => ended balanced debit 1/12.00 credit 0/0.00
        1001 POS1 sells b card 13.00              => approved
        POS1 next late-50ms
        POS1 next lose-request
        POS1 settles                              => done
        POS1 is told batch 7
        wait 1s
        crash
        start
        wait 1s
        exceptions                                => 1 batch_disagrees
        T1 decides 1 batch 1                      => batch_settled
        T1 decides 1 batch 7                      => done
        POS1 is told batch 2
        crash
        start
        wait 1s
        exceptions                                => 2 batch_disagrees
        T1 decides 1 batch 8                      => unknown_exception
        T1 decides 2 batch 2                      => batch_settled
        T1 decides 2 batch 7                      => done
        T1 decides 2 batch 8                      => unknown_exception
        POS1 batch 000001                         => ended balanced debit 1/12.00 credit 0/0.00
        POS1 batch 000002                         => uploaded balanced debit 1/13.00 credit 0/0.00
        POS1 batch 000007                         => open pending debit 0/0.00 credit 0/0.00
        cut                                       => 2026-03-07 Z1
        day 2026-03-07 => uploaded sale 2/25.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 25.00
    ",
    );
}

/// A number mistyped: the day is cut, and the technician goes back to the first.
#[test]
fn a_batch_that_was_left_is_taken_back_with_all_that_is_in_it() {
    play(
        "
        1001 POS1 sells a card 12.00              => approved
        POS1 is told batch 7
        crash
        start
        wait 1s
        exceptions                                => 1 batch_disagrees
        T1 decides 1 batch 70                     => done
        settled 2026-03-07                        => POS1 000001 unconfirmed
        cut                                       => 2026-03-07 Z1
        POS1 is told batch 1
        crash
        start
        wait 1s
        exceptions                                => 2 batch_disagrees
        T1 decides 2 batch 1                      => done
        crash
        start
        exceptions                                =>
        POS1 is told batch its-own
        wait 10s
        POS1 batch 000001                         => ended balanced debit 1/12.00 credit 0/0.00
        settled 2026-03-07                        => POS1 000001 balanced
        day 2026-03-07 => balanced sale 1/12.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 12.00
        1001 POS1 sells b card 13.00              => approved
        b batch                                   => 000002
    ",
    );
}
