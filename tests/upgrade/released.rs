//! Each released schema: what was pending is pending, what was closed is closed, and then the open day is closed and settled.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tilld::core::domain::*;
use tilld::core::journal::{Link, Record};
use tilld::core::ledger::Proof;
use tilld::core::ports::{Command, DayView, Store};
use tilld::io::store::{Mark, PaymentFilter, SqliteStore, StoreOptions, Verified, VerifyWith, verify};
use tilld::io::vault::{DataKey, Vault};

use super::till::{Dir, Till, store_id};

/// Every release, oldest first: a line is added with each, and none is ever taken away.
pub const RELEASES: [&str; 1] = ["0.1.0"];

/// What a release's folder holds, unpacked into a directory of its own.
pub fn unpack(release: &str) -> Dir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/released").join(release);
    let dir = Dir::new();
    for (packed, name) in
        [("tilld.sqlite.gz", "tilld.db"), ("tilld.sqlite-wal.gz", "tilld.db-wal"), ("tilld.mark.gz", "tilld.mark")]
    {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(std::fs::File::open(from.join(packed)).unwrap()).read_to_end(&mut bytes).unwrap();
        std::fs::write(dir.0.join(name), bytes).unwrap();
    }
    let key = dir.0.join("data.key");
    std::fs::copy(from.join("data.key"), &key).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    dir
}

/// A till over it, minutes after the release's program stopped.
pub fn open(dir: &Dir) -> Till {
    let mut till = Till::open(dir);
    till.now = 607_200_000;
    till
}

/// Everything that `tilld verify` asks, the open day's HMACs and the mark too.
pub fn check(dir: &Dir) -> Verified {
    let store = SqliteStore::open(&StoreOptions::at(dir.db())).unwrap();
    let key = DataKey::read(&dir.0.join("data.key")).unwrap();
    let mut vault = Vault::open(&key, &store_id(), store.day_keys().unwrap().as_deref()).unwrap();
    let reader = store.reader().unwrap();
    let mut proof = Proof::default();
    let mut each = |record: &Record, link: &Link| proof.row(record, link);
    let with = VerifyWith { sealer: Some(&mut vault), thorough: true, each: Some(&mut each), ..VerifyWith::default() };
    let mut found = verify(&reader, with);
    let all = reader.payments(&PaymentFilter { limit: 500, ..PaymentFilter::default() }).unwrap();
    for payment in &all.items {
        if let Some(what) = proof.payment(payment) {
            found.findings.push(tilld::io::store::Finding { place: payment.id.to_string(), what });
        }
    }
    found
}

fn marks(dir: &Path) -> PathBuf {
    dir.join("tilld.mark")
}

#[test]
fn a_store_of_every_release_opens_verifies_and_its_day_is_closed_and_settled() {
    for release in RELEASES {
        let dir = unpack(release);
        let till = open(&dir);
        let reader = till.reader();

        // The same rows as the release's program counted when it stopped, and the mark agrees.
        let mark = Mark::open(&marks(&dir.0)).unwrap();
        let (head, link) = reader.head().unwrap().unwrap();
        assert_eq!((mark.found().unwrap().head, mark.found().unwrap().link), (head, link), "{release}");
        assert_eq!(head, Seq(120));

        // What waited waits, what was unknown is unknown, and the closed day's report reads.
        let states = |state: State| {
            let filter = PaymentFilter { state: Some(state), limit: 500, ..PaymentFilter::default() };
            reader.payments(&filter).unwrap().items.iter().map(|p| p.amount.0).collect::<Vec<_>>()
        };
        assert_eq!(till.writer.ledger().waiting(), (2, Minor(5_001)));
        assert_eq!(states(State::Unknown), [7_100]);
        assert_eq!(states(State::Forwarded), [1_502, 1_501, 1_500]);
        let closed = reader.day(BusinessDate::parse("2026-11-25").unwrap()).unwrap().unwrap();
        for figures in [&closed.body, &closed.tail] {
            let day: DayView = serde_json::from_slice(figures).unwrap();
            assert!(day.cross_foot, "{release}");
            assert_eq!((day.net.0, day.z_number), (36_874, 1), "{release}");
        }
        assert_eq!(reader.shifts_of(closed.date).unwrap().len(), 1);
        let verified = check_beside(till, &dir);
        assert!(verified.clean(), "{release}: {:#?}", verified.findings);
        assert_eq!((verified.rows, verified.days, verified.payments), (120, 1, 33));

        // The line comes back: the reversal, what was stored, the cut, the settlement. Cards are opened with the old key.
        let mut till = open(&dir);
        till.run(Command::Resume).unwrap();
        till.line_up(1);
        till.line_up(2);
        assert_eq!(till.writer.ledger().waiting(), (0, Minor(0)));
        till.pay(Kind::Sale, Method::Card, 4_321, None);
        let closed = till.cut();
        let day = till.reader().day(closed).unwrap().unwrap();
        let figures: DayView = serde_json::from_slice(&day.tail).unwrap();
        assert!(figures.cross_foot);
        assert_eq!(figures.settlement.iter().map(|s| s.result.as_str()).collect::<Vec<_>>(), ["balanced", "balanced"]);
        assert_eq!(
            till.reader()
                .payments(&PaymentFilter { state: Some(State::Unknown), ..PaymentFilter::default() })
                .unwrap()
                .items,
            []
        );
        drop(till);
        let verified = check(&dir);
        assert!(verified.clean(), "{release}: {:#?}", verified.findings);
        assert_eq!(verified.days, 2);
    }
}

fn check_beside(till: Till, dir: &Dir) -> Verified {
    drop(till);
    check(dir)
}
