//! A third dialect, from a file alone: a day with its host, settled either way.

use tilld::core::acquirer::Profile;
use tilld::core::acquirer::iso8583::Layout;
use tilld::core::domain::{Kind, State};
use tilld::sim::nii::{NiiHost, NiiWays};

use crate::nii::Nii;
use crate::rig::{ABROAD, HOME, Shop, stripe};

/// As a configuration names it: by its path.
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/acquirer_days/third.toml");

/// The host's own table, written beside the profile and not taken from it.
const FIELDS: &str = r#"
[fields]
2 = "n..19"
3 = "n6"
4 = "n12"
11 = "n6"
12 = "n6"
13 = "n4"
14 = "n4"
22 = "n3 left"
24 = "n4"
25 = "n2"
35 = "z..37 pad 0F"
37 = "ans..12"
38 = "an6"
39 = "an2"
41 = "ans8"
42 = "ans15"
48 = "ans...60"
60 = "ans...22"
"#;

fn shop() -> Shop<Nii> {
    let host = NiiHost::new(NiiWays {
        fields: FIELDS.to_owned(),
        layout: Layout { tpdu: 5, header: 4, max: 512 },
        nii: "0712",
        totals: 48,
        gross: true,
        differs: "77",
        always_ends: true,
    });
    Shop::with(Profile::parse(PATH, &std::fs::read_to_string(PATH).unwrap()).unwrap(), Nii::new(host), 1)
}

#[test]
fn a_third_dialect_needs_no_code() {
    let mut shop = shop();
    shop.bank.host.decline.push((51, "51".into()));
    let sold = shop.sale("a", 1, 1_000, stripe(HOME));
    assert_eq!((sold.state, sold.rrn.is_some()), (State::Approved, true));
    let voided = shop.sale("b", 1, 2_000, stripe(ABROAD));
    assert_eq!(shop.refer("v", Kind::Void, &voided, 2_000).unwrap().state, State::Approved);
    assert_eq!(shop.sale("d", 1, 1_051, stripe(HOME)).state, State::Declined);
    shop.bank.host.lose_answers = 1;
    let lost = shop.sale("l", 1, 700, stripe(HOME));
    shop.pass(10_000);
    assert_eq!((lost.state, shop.state(&lost)), (State::Unknown, State::Reversed));
    shop.cut();
    shop.pass(30_000);
    shop.check();
    // Gross: the voided sale stays, and its void stands beside it.
    assert_eq!(shop.bank.host.net("10000001", 1), [(2, 3_000), (1, 2_000)]);
    assert_eq!(shop.bank.host.ended, [("10000001".to_owned(), 1, None)], "ended by a message of its own");
    assert_eq!(shop.sale("n", 1, 900, stripe(HOME)).batch.unwrap().0, 2);
    shop.check();
}

#[test]
fn its_verdict_its_upload_and_its_limits_are_the_files() {
    let mut shop = shop();
    shop.bank.host.dispute = true;
    for n in 0..4 {
        shop.sale(&format!("s{n}"), 1, 1_000 + n, stripe(HOME));
    }
    // Four records are the file's limit: the batch is settled by itself, and the host says 77.
    shop.pass(30_000);
    shop.check();
    assert_eq!(shop.bank.host.ended, [("10000001".to_owned(), 1, Some(4))]);
    assert_eq!(shop.sale("n", 1, 900, stripe(HOME)).batch.unwrap().0, 2);
}
