//! The books outlive the host: killed anywhere, it goes on as it was.

use super::super::Fault;
use super::*;
use proptest::prelude::*;

/// A day with a fault of each sort, restarted before every message if told so.
fn day(restarting: bool) -> Rig {
    let mut rig = Rig::new("");
    let mut till = Till::default();
    let mut steps = 0;
    let mut step = |rig: &mut Rig| {
        steps += 1;
        if restarting {
            rig.restart("");
        }
    };
    till.sign_on(&mut rig);
    step(&mut rig);
    let sale = till.sale(CUP, 100);
    let sold = till.ask(&mut rig, &sale);
    step(&mut rig);
    let lost = till.sale(VISA, 7);
    rig.host.next_answer(Fault::DropAnswer);
    rig.push(&till.wire(&lost));
    step(&mut rig);
    assert_eq!(till.ask(&mut rig, &till.reversal(&lost, "98")).text(39), Some("00"));
    step(&mut rig);
    assert_eq!(till.ask(&mut rig, &till.reversal(&lost, "06")).text(39), Some("00"));
    step(&mut rig);
    let void = till.void(CUP, 100, &sold);
    till.ask(&mut rig, &void);
    step(&mut rig);
    assert_eq!(till.ask(&mut rig, &sale).text(37), sold.text(37), "a repeat");
    step(&mut rig);
    let bad = till.sale("622202", 0);
    rig.push(&till.wire(&bad));
    step(&mut rig);
    let settlement = till.settlement(&totals(&[(false, false, 100), (false, true, 100), (false, false, 5)]));
    till.ask(&mut rig, &settlement);
    step(&mut rig);
    let upload = till.upload(&[(false, 2, CUP, 100), (false, 4, CUP, 100)]);
    till.ask(&mut rig, &upload);
    step(&mut rig);
    let end = till.end("202", 2);
    till.ask(&mut rig, &end);
    step(&mut rig);
    till.ask(&mut rig, &end);
    rig
}

#[test]
fn a_host_restarted_before_every_message_is_the_same_host() {
    let (through, restarted) = (day(false), day(true));
    assert_eq!(through.booked, restarted.booked);
    assert_eq!(through.host.judgement(), restarted.host.judgement());
    assert_eq!(through.host.statement(), restarted.host.statement());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Cut at any byte, the books give a prefix of the entries, and judging them again gives what was judged then.
    #[test]
    fn books_cut_at_any_byte_are_the_books_of_some_moment(cut in any::<prop::sample::Index>()) {
        let rig = day(false);
        let lines: String = rig.booked.iter().map(super::super::bookfile::write_entry).collect();
        let cut = cut.index(lines.len() + 1);
        let (entries, whole) = super::super::bookfile::read_entries(&lines.as_bytes()[..cut]).unwrap();
        prop_assert!(whole <= cut);
        prop_assert_eq!(&entries[..], &rig.booked[..entries.len()]);
        let host = Host::new(config(""), &entries, NOON);
        prop_assert!(host.judgement().payments <= rig.host.judgement().payments);
    }

    /// Whatever bytes come, nothing panics and nothing has an effect.
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600), at in 0usize..120, flip in 1u8..=255) {
        let mut rig = Rig::new("");
        let mut till = Till::signed_on(&mut rig);
        rig.push(&bytes);
        rig.session = Session::default();
        let sale = till.sale(CUP, 100);
        let mut wire = till.wire(&sale);
        let index = 2 + at % (wire.len() - 2);
        wire[index] ^= flip;
        rig.push(&wire);
        // TPDU and header are outside the MAC; everything else must not have passed.
        prop_assert!(index < 13 || rig.host.judgement().effects.sale.count == 0);
    }
}
