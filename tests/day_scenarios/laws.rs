//! One test for each law that a store's day can show. Law 10 and the half of law 6 that is about the code are in `tests/layers.rs`.

use tilld::core::domain::BusinessDate;
use tilld::core::ports::{Command, Output, Ticket};

use crate::shop::{Shop, cashier, rules, terminal};
use crate::words::{Told, pay, play, play_with};

#[test]
fn law_1_nothing_is_told_sent_or_printed_before_its_row_is_durable() {
    let mut shop = Shop::new(rules());
    shop.pass(1_000);
    // Another connection sees every row at the moment at which something is let out: `Shop::steps` compares. Here: a commit that fails
    // lets nothing out but refusals.
    let (kind, now) = (tilld::core::domain::Kind::Sale, shop.now);
    let commands: Vec<Command> = vec![
        Command::Pay(Box::new(pay(&shop, "1001", "POS1", kind, "cash", "1.00", "a"))),
        Command::CutDay { by: None },
        Command::OpenDrawer { device: terminal("POS1"), by: cashier("1001") },
        Command::Settle(terminal("POS1")),
    ];
    for command in commands {
        shop.trouble.commits.store(0, std::sync::atomic::Ordering::Relaxed);
        let head = shop.ledger().head;
        let outputs = shop.writer.as_mut().unwrap().step(vec![(Ticket(9_999), command)], now);
        shop.trouble.commits.store(-1, std::sync::atomic::Ordering::Relaxed);
        for output in &outputs {
            let harmless = matches!(output, Output::Failed(_) | Output::Answer(_, Err(_)));
            // What needed no row may be answered.
            let nothing_written = matches!(output, Output::Answer(..)) && outputs.len() == 1;
            assert!(harmless || nothing_written, "{output:?}");
        }
        assert_eq!(shop.ledger().head, head);
    }
    // A crash between the row and the sending leaves unknown, never nothing.
    play(
        "
        1001 POS1 begins a card 12.00   => sent
        crash
        start
        a state                         => unknown
    ",
    );
}

#[test]
fn law_2_only_a_documented_answer_decides() {
    for code in ["ZZ", "77", "Q1", "02"] {
        play(&format!(
            "
            POS1 next done-but-{code}
            1001 POS1 sells a card 12.00   => unknown
            wait 1s
            a state                        => reversed
        "
        ));
    }
    play(
        "
        1001 POS1 sells s card 12.00       => approved
        POS1 next lose-request             # nobody has it, and we do not know
        1001 POS1 refunds s as r 12.00     => unknown
        wait 2h
        r state                            => unknown
        POS1 next code-51
        1001 POS1 sells c card 12.00       => declined
    ",
    );
}

#[test]
fn law_3_one_request_one_payment_one_effect_one_settlement() {
    let mut told = Told::new(rules());
    told.tell(
        "
        1001 POS1 sells a card 12.00       => approved
        crash
        start
        1001 POS1 sells a card 12.00       => approved
        POS1 next lose-answer
        cut                                => 2026-03-07 Z1
        wait 30s
        crash
        start
        POS1 next lose-answer
        wait 3m
        clock jumps -30h
        wait 3m
        POS1 batch 000001                  => ended balanced debit 1/12.00 credit 0/0.00
        1001 POS1 sells b card 13.00       => approved
        b batch                            => 000002
    ",
    );
    let account = told.shop.bank.account(&terminal("POS1"));
    assert_eq!(account.ended.iter().filter(|(batch, ..)| batch.0 == 1).count(), 1);
    let stan = |word: &str| {
        let said: Vec<&String> = account.heard.iter().filter(|h| h.starts_with(word)).collect();
        said.windows(2).all(|pair| pair[0] == pair[1])
    };
    assert!(stan("settle") && stan("end"), "a repeat is the same message: {:?}", account.heard);
    // A store behind its mark sells for cash only: what it would send may have been sent.
    told.shop.writer.as_mut().unwrap().set_mark_behind(true);
    told.tell(
        "
        1001 POS1 sells c card 13.00       => mark_behind
        1001 POS1 refunds b as r 13.00     => mark_behind
        1001 POS1 sells d cash 13.00       => approved
    ",
    );
}

/// A disk image of last night: what it would send this morning has been sent.
#[test]
fn law_3_a_store_behind_its_mark_sends_nothing() {
    let mut told = Told::new(rules());
    told.tell(
        "
        1001 POS1 sells a card 12.00       => approved
        POS1 next lose-answer
        1001 POS1 begins b card 13.00      => sent
        1002 POS2 sells c card 14.00       => approved
        POS2 goes down
        wait 10s
        1002 POS2 sells s card 15.00       => stored
    ",
    );
    told.shop.writer.as_mut().unwrap().set_mark_behind(true);
    let heard = |told: &Told| ["POS1", "POS2"].map(|till| told.shop.bank.account(&terminal(till)).heard.len());
    let before = heard(&told);
    told.tell(
        "
        POS2 comes up
        wait 5m
        s state                            => stored
        cut                                => 2026-03-07 Z1
        wait 5m
        1001 POS1 sells d cash 13.00       => approved
    ",
    );
    assert_eq!(heard(&told), before, "neither a sale, a reversal nor a settlement");
    told.shop.writer.as_mut().unwrap().set_mark_behind(false);
    told.tell(
        "
        wait 5m
        s state                            => forwarded
        b state                            => reversed
        settled 2026-03-07                 => POS1 000001 balanced, POS2 000001 balanced
    ",
    );
}

#[test]
fn law_4_a_day_that_does_not_foot_refuses_its_seal_and_names_the_payment() {
    let mut told = Told::with(Shop::on_disk(rules()));
    told.tell(
        "
        wait 1s
        1001 POS1 sells a card 12.00       => approved
        1002 POS2 sells b cash 5.00        => approved
    ",
    );
    let id = told.shop.payment_of("b").unwrap().id;
    let hand = rusqlite::Connection::open(told.shop.path()).unwrap();
    hand.execute_batch("DROP TRIGGER payment_keeps_its_facts").unwrap();
    hand.execute("UPDATE payment SET amount = amount + 1 WHERE id = ?1", [id.0.cast_signed()]).unwrap();
    let reject = told.shop.ask(Command::CutDay { by: None }).unwrap_err();
    assert_eq!(reject.refusal.code(), "day_not_footing");
    assert!(reject.sentence().en.contains(&id.to_string()), "{:?}", reject.sentence());
    assert_eq!(told.shop.ledger().open, BusinessDate::parse("2026-03-07").unwrap());
    hand.execute("UPDATE payment SET amount = amount - 1 WHERE id = ?1", [id.0.cast_signed()]).unwrap();
    told.tell("cut => 2026-03-07 Z1");
}

#[test]
fn law_5_a_closed_day_never_changes_and_what_comes_late_is_a_voucher() {
    let mut told = Told::new(rules());
    told.tell(
        "
        1001 POS1 sells a card 12.00       => approved
        POS1 next late-30s
        1001 POS1 begins b card 13.00      => sent
        POS2 goes down
        1002 POS2 sells c card 14.00       => stored
        cut                                => 2026-03-07 Z1
    ",
    );
    let date = BusinessDate::parse("2026-03-07").unwrap();
    let sealed = told.shop.reader().day(date).unwrap().unwrap();
    told.tell(
        "
        POS2 next code-14
        POS2 comes up
        wait 1m
        vouchers 2026-03-08                => offline_rejected -14.00 1002, late_answer 13.00 1001
        1001 POS1 refunds a as r 12.00 stripe  => approved
        cut                                => 2026-03-08 Z2
    ",
    );
    let now = told.shop.reader().day(date).unwrap().unwrap();
    assert_eq!((now.body, now.root, now.last), (sealed.body, sealed.root, sealed.last));
}

#[test]
fn law_6_sums_are_checked_and_never_wrap() {
    let mut rules = rules();
    rules.max_amount = tilld::core::domain::Minor(i64::MAX / 2);
    play_with(rules, "
        1001 POS1 sells a cash 40000000000000000.00    => approved
        1001 POS1 sells b cash 40000000000000000.00    => approved
        1001 POS1 sells c cash 40000000000000000.00    => amount_too_large
        day 2026-03-07 => open sale 2/80,000,000,000,000,000.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 80,000,000,000,000,000.00
    ");
}

#[test]
fn law_7_card_data_die_early_and_never_lie_open() {
    let mut told = Told::with(Shop::on_disk(rules()));
    told.tell(
        "
        wait 1s
        1001 POS1 sells ok card 12.00      => approved
        POS1 next code-51
        1001 POS1 sells no card 12.00      => declined
        POS1 next lose-answer
        1001 POS1 sells lost card 12.00    => unknown
        wait 2s
        1001 POS1 sells scan qr 12.00      => approved
        POS2 goes down
        1002 POS2 sells st card 12.00      => stored
        ok card                            => kept
        no card                            => erased
        lost card                          => erased
        st card                            => kept
    ",
    );
    let open = |shop: &Shop| {
        let bytes: Vec<u8> = shop.files().iter().flat_map(|f| std::fs::read(f).unwrap()).collect();
        let packed = [0x62u8, 0x22, 0x02, 0x12, 0x34, 0x56, 0x78, 0x90];
        let texts: [&[u8]; 4] = [b"6222021234567890128", b"134567890123456789", b"=3012101", &packed];
        texts.iter().filter(|needle| bytes.windows(needle.len()).any(|w| w == **needle)).count()
    };
    assert_eq!(open(&told.shop), 0, "a card lies open in the files");
    told.tell(
        "
        cut                                => 2026-03-07 Z1
        wait 5s
        ok card                            => erased
        scan card                          => erased
        st card                            => kept
        POS2 comes up
        wait 5s
        st card                            => erased
    ",
    );
    assert_eq!(open(&told.shop), 0, "a card lies open in the files");
    let memory = format!("{:?}", told.shop.writer());
    assert!(!memory.contains("6222021234567890128") && !memory.contains("134567890123456789"));
}

#[test]
fn law_8_the_day_is_a_column_and_clocks_decide_nothing() {
    play(
        "
        1001 POS1 sells a cash 1.00        => approved
        clock jumps 100h
        1001 POS1 sells b cash 1.00        => approved
        clock jumps -300h
        1001 POS1 sells c cash 1.00        => approved
        a day                              => 2026-03-07
        b day                              => 2026-03-07
        c day                              => 2026-03-07
        cut                                => 2026-03-07 Z1
        1001 POS1 sells d cash 1.00        => approved
        d day                              => 2026-03-08
    ",
    );
}

#[test]
fn law_9_what_hits_its_bound_is_visible_and_nothing_is_dropped() {
    play(
        "
        POS1 goes down
        1001 POS1 sells a card 500.00      => stored
        1001 POS1 sells b card 500.00      => stored
        1001 POS1 sells c card 500.00      => stored
        1001 POS1 sells d card 500.00      => stored
        1001 POS1 sells e card 0.01        => offline_limit
        POS1 always code-ZZ                # never an answer that means anything
        POS1 comes up
        wait 30m
        exceptions                         => 1 offline_aside, 2 offline_aside, 3 offline_aside, 4 offline_aside
        waiting                            => 4/2,000.00
        pending 2026-03-07                 => set_aside 500.00, set_aside 500.00, set_aside 500.00, set_aside 500.00
        day 2026-03-07 => open sale 4/2,000.00 refund 0/0.00 void 0/0.00 vouchers 0/0.00 net 2,000.00
    ",
    );
}
