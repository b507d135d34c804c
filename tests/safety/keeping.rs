//! Copies of a store and back, what is left of a damaged one, new keys.

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use crate::rig::Rig;

/// A store with a settled batch, a sale in the open one, and one that waits offline.
fn two_batches() -> (Rig, &'static str) {
    let mut rig = Rig::new();
    rig.start_host();
    rig.start();
    rig.hire();
    rig.line_up();
    rig.sells("a", "card", "approved");
    rig.does(&["backup", "before.sqlite"]);
    let day = rig.must("POST", "/v1/day/close", Some(&json!({"by": "9001", "wait": 60})));
    assert_eq!(day["state"], "balanced", "{day}");
    rig.sells("b", "card", "approved");
    (rig, "before.sqlite")
}

#[test]
fn a_copy_made_while_the_till_sells_is_whole_and_goes_back_where_nothing_is_lost() {
    let (mut rig, _) = two_batches();
    rig.does(&["backup", "copy.sqlite"]);
    // Beside a running daemon nothing is put back.
    let (code, why) = rig.refuses(&["restore", "copy.sqlite"]);
    assert_eq!(code, 75, "{why}");
    assert!(why.contains("another tilld"), "{why}");
    rig.stop();
    // The medium dies; the copy has everything that the mark saw.
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", rig.database().display()));
    }
    rig.does(&["restore", "copy.sqlite"]);
    rig.does(&["verify"]);
    rig.start();
    rig.line_up();
    rig.sells("c", "card", "approved");
    // What was done before the copy is not done again.
    rig.sells("b", "card", "approved");
    let list = rig.must("GET", "/v1/payments?limit=500", None);
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
}

#[test]
fn a_copy_that_would_settle_a_batch_again_is_refused_unless_a_technician_says_so_and_then_cards_are_stopped() {
    let (mut rig, before) = two_batches();
    rig.stop();
    let (code, why) = rig.refuses(&["restore", before]);
    assert_eq!(code, 65, "{why}");
    assert!(why.contains("POS1 000001 ended") && why.contains("roll back"), "{why}");
    rig.does(&["verify"]);
    let done = rig.does(&["restore", before, "--roll-back"]);
    assert!(done.contains("before-restore-1"), "{done}");
    assert!(Path::new(&format!("{}.before-restore-1", rig.database().display())).exists());
    rig.start();
    let (status, answer) = rig.sale("d", "card", 100);
    assert_eq!((status, answer["code"].as_str()), (409, Some("mark_behind")), "{answer}");
    rig.sells("e", "cash", "approved");
}

/// A store behind the mark on its stick, and then a start without the stick: its mount point is an empty folder that takes a mark as well.
#[test]
fn a_store_behind_its_mark_stays_so_while_the_marks_medium_is_not_mounted_until_a_technician_has_looked() {
    let mut rig = Rig::new();
    let (stick, pulled) = (rig.dir.join("stick"), rig.dir.join("pulled"));
    let toml = std::fs::read_to_string(rig.dir.join("tilld.toml")).unwrap();
    std::fs::write(rig.dir.join("tilld.toml"), toml.replace("\"tilld.mark\"", "\"stick/tilld.mark\"")).unwrap();
    std::fs::create_dir(&stick).unwrap();
    rig.start();
    rig.hire();
    rig.sells("a", "cash", "approved");
    rig.does(&["backup", "before.sqlite"]);
    rig.sells("b", "cash", "approved");
    rig.stop();
    rig.does(&["restore", "before.sqlite", "--roll-back"]);

    let behind = |rig: &mut Rig| {
        rig.start();
        let told = rig.ask("GET", "/healthz", None).unwrap().1["warnings"].to_string().contains("behind the mark");
        let (_, answer) = rig.sale("d", "card", 100);
        assert_eq!(answer["code"] == "mark_behind", told, "{answer}");
        rig.sells("e", "cash", "approved");
        rig.stop();
        told
    };
    assert!(behind(&mut rig));
    std::fs::rename(&stick, &pulled).unwrap();
    assert!(behind(&mut rig), "the stick is pulled and its folder is gone");
    std::fs::create_dir(&stick).unwrap();
    assert!(behind(&mut rig), "the stick is pulled and its folder takes another mark");
    let (_, why) = rig.refuses(&["verify"]);
    assert!(why.contains("the mark saw"), "{why}");
    assert!(behind(&mut rig), "that other mark agrees with the store");
    std::fs::remove_dir_all(&stick).unwrap();
    std::fs::rename(&pulled, &stick).unwrap();
    assert!(behind(&mut rig), "the stick is back");
    // A technician who has looked removes the mark file.
    std::fs::remove_file(stick.join("tilld.mark")).unwrap();
    assert!(!behind(&mut rig));
    assert!(!behind(&mut rig));
    rig.does(&["verify"]);

    // What was settled is settled; a store that loses rows again is found again.
    rig.does(&["restore", "before.sqlite", "--roll-back"]);
    assert!(behind(&mut rig));
    // The stick is lost. Another one is known from its first start on.
    std::fs::remove_dir_all(&stick).unwrap();
    std::fs::create_dir(&stick).unwrap();
    assert!(rig.does(&["check"]).contains("not on the medium that held the mark"));
    assert!(behind(&mut rig));
    assert!(!rig.does(&["check"]).contains("not on the medium that held the mark"));
    std::fs::remove_file(stick.join("tilld.mark")).unwrap();
    assert!(!behind(&mut rig));
}

/// A copy that the program before this one made is as good as one of today's: no other may be left when the disk dies.
#[test]
fn a_copy_of_an_older_tilld_is_put_back_and_sells_on() {
    let mut rig = Rig::new();
    let released = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/released/0.1.0");
    let unpacked = |packed: &str, name: &str| {
        let packed = std::fs::File::open(released.join(packed)).unwrap();
        let mut file = std::fs::File::create(rig.dir.join(name)).unwrap();
        std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut file).unwrap();
    };
    unpacked("tilld.sqlite.gz", "older.sqlite");
    unpacked("tilld.sqlite-wal.gz", "older.sqlite-wal");
    Connection::open(rig.dir.join("older.sqlite")).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    std::fs::create_dir(rig.dir.join("data")).unwrap();

    // Under another key nothing of it would open: said before anything is changed.
    crate::rig::secret(&rig.dir.join("data.key"), &"ab".repeat(32));
    let (code, why) = rig.refuses(&["restore", "older.sqlite"]);
    assert_eq!(code, 65, "{why}");
    assert!(why.contains("sealed under another data key"), "{why}");
    assert_eq!(std::fs::read_dir(rig.dir.join("data")).unwrap().count(), 0, "something was left behind");

    std::fs::copy(released.join("data.key"), rig.dir.join("data.key")).unwrap();
    std::fs::copy(rig.dir.join("older.sqlite"), rig.database()).unwrap();
    let (code, why) = rig.refuses(&["verify"]);
    assert_eq!(code, 75, "{why}");
    assert!(why.contains("an older tilld wrote this store"), "{why}");
    std::fs::remove_file(rig.database()).unwrap();

    rig.does(&["restore", "older.sqlite"]);
    assert!(rig.does(&["verify"]).contains("everything agrees"));
    rig.start();
    rig.must("GET", "/v1/day", None);
}

#[test]
fn another_stores_copy_and_a_damaged_one_are_refused() {
    let (mut rig, before) = two_batches();
    rig.stop();
    let copy = rig.dir.join("other.sqlite");
    std::fs::copy(rig.dir.join(before), &copy).unwrap();
    let conn = Connection::open(&copy).unwrap();
    conn.execute_batch(
        "DROP TRIGGER journal_never_changes; UPDATE journal SET amount = amount + 1 WHERE amount IS NOT NULL",
    )
    .unwrap();
    drop(conn);
    let (code, why) = rig.refuses(&["restore", "other.sqlite"]);
    assert_eq!(code, 65, "{why}");
    assert!(why.contains("not in order"), "{why}");
    std::fs::write(rig.dir.join("noise"), vec![7; 8_192]).unwrap();
    rig.refuses(&["restore", "noise"]);
    let toml = std::fs::read_to_string(rig.dir.join("tilld.toml")).unwrap();
    std::fs::write(rig.dir.join("tilld.toml"), toml.replace("id = \"S001\"", "id = \"S002\"")).unwrap();
    let (_, why) = rig.refuses(&["restore", before]);
    assert!(why.contains("belongs to store S001"), "{why}");
}

#[test]
fn what_is_left_of_a_damaged_store_is_kept_as_it_lies_and_read_as_far_as_it_reads() {
    let (mut rig, _) = two_batches();
    // What a till still writes is no evidence yet, and the refusal takes no folder's name.
    let (code, why) = rig.refuses(&["salvage", "evidence"]);
    assert_eq!(code, 75, "{why}");
    assert!(why.contains("another tilld"), "{why}");
    assert!(!rig.dir.join("evidence").exists());
    rig.stop();
    let database = rig.database();
    let rows: i64 = {
        let conn = Connection::open(&database).unwrap();
        conn.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); DROP TRIGGER journal_never_changes; UPDATE journal SET bytes = x'FFFF' WHERE seq = 9").unwrap();
        conn.query_row("SELECT count(*) FROM journal", [], |r| r.get(0)).unwrap()
    };
    let before = std::fs::read(&database).unwrap();
    let (code, said) = rig.refuses(&["salvage", "evidence"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("{} rows read, 1 do not, the chain is whole up to row 8", rows - 1)), "{said}");
    assert_eq!(std::fs::read(&database).unwrap(), before, "the store itself was changed");
    assert_eq!(
        std::fs::read(rig.dir.join("evidence/tilld.sqlite")).unwrap(),
        before,
        "the evidence is not what lay there"
    );
    let lines = std::fs::read_to_string(rig.dir.join("evidence/journal.jsonl")).unwrap();
    assert_eq!(lines.lines().count() as i64, rows - 1);
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["seq"].as_i64(), Some(rows));
    // A stranger recomputes the sums.
    let sums = std::process::Command::new("sha256sum")
        .args(["-c", "SHA256SUMS"])
        .current_dir(rig.dir.join("evidence"))
        .output()
        .unwrap();
    assert!(sums.status.success(), "{sums:?}");
}

#[test]
fn a_new_data_key_opens_what_waits_and_the_old_one_opens_nothing() {
    let mut rig = Rig::new();
    rig.start();
    rig.hire();
    rig.sells("a", "card", "stored");
    let (code, _) = rig.refuses(&["keys", "rotate"]);
    assert_eq!(code, 75);
    rig.stop();
    let old = std::fs::read(rig.dir.join("data.key")).unwrap();
    let said = rig.does(&["keys", "rotate"]);
    assert!(said.contains("1 cards are sealed under it"), "{said}");
    let new = std::fs::read(rig.dir.join("data.key")).unwrap();
    assert_ne!(old, new);
    rig.does(&["verify"]);

    // A power cut between the commit and the new name: the next start ends it.
    rig.does(&["keys", "rotate"]);
    let newest = std::fs::read(rig.dir.join("data.key")).unwrap();
    std::fs::write(rig.dir.join("data.key.next"), &newest).unwrap();
    std::fs::write(rig.dir.join("data.key"), &new).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(rig.dir.join("data.key.next"), private).unwrap();
    rig.start_host();
    rig.start();
    assert_eq!(std::fs::read(rig.dir.join("data.key")).unwrap(), newest);
    assert!(!rig.dir.join("data.key.next").exists());
    // The card that was sealed under the first key goes out.
    let began = std::time::Instant::now();
    while rig.must("GET", "/v1/payments", None)["items"][0]["state"] != "forwarded" {
        assert!(began.elapsed().as_secs() < 60, "{}", rig.log());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    rig.stop();
    // And the first key opens nothing.
    std::fs::write(rig.dir.join("data.key"), &old).unwrap();
    let (_, why) = rig.refuses(&["run"]);
    assert!(why.contains("another data key"), "{why}");
}
