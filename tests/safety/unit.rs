//! The unit that is shipped: what systemd itself says of it, and that what it names is there.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;

use crate::rig::Rig;

fn unit() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("cross/tilld.service")).unwrap()
}

#[test]
fn the_unit_waits_for_ready_feeds_a_watchdog_takes_its_key_as_a_credential_and_leaves_no_core() {
    let unit = unit();
    for line in [
        "Type=notify",
        "WatchdogSec=90",
        "LoadCredential=data.key",
        "LimitCORE=0",
        "DevicePolicy=closed",
        "PrivateDevices=no",
    ] {
        assert!(unit.lines().any(|l| l == line), "{line} is missing");
    }
    // Serial ports: a hardened unit must not hide them.
    assert!(
        unit.contains("DeviceAllow=char-ttyUSB rw")
            && unit.contains("DeviceAllow=char-ttyACM rw")
            && unit.contains("SupplementaryGroups=dialout")
    );
}

#[test]
fn systemd_itself_rates_its_exposure_at_one_point_two_or_lower() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cross/tilld.service");
    let asked = Command::new("systemd-analyze").args(["security", "--offline=true", "--no-pager"]).arg(&path).output();
    let Ok(asked) = asked else {
        eprintln!("SKIPPED: no systemd-analyze here");
        return;
    };
    let text = String::from_utf8_lossy(&asked.stdout).into_owned();
    let line = text.lines().find(|l| l.contains("Overall exposure level")).unwrap_or_else(|| panic!("{text}"));
    let rated: f64 = line.split(": ").nth(1).and_then(|t| t.split(' ').next()).and_then(|t| t.parse().ok()).unwrap();
    eprintln!("{}", line.trim());
    assert!(rated <= 1.2, "{text}");
}

/// The other side of `Type=notify` and `WatchdogSec=`, as systemd hears it.
#[test]
fn a_service_manager_hears_ready_then_a_sign_of_life_after_a_commit_then_the_end() {
    let mut rig = Rig::new();
    let manager = UnixDatagram::bind(rig.dir.join("notify")).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(80))).unwrap();
    let heard = || {
        let mut bytes = [0; 64];
        let n = manager.recv(&mut bytes).expect("systemd would have killed it by now");
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    };
    rig.environment = vec![("NOTIFY_SOCKET", rig.dir.join("notify"))];
    rig.start();
    assert_eq!(heard(), "READY=1");
    let probes = || {
        let conn = Connection::open(rig.database()).unwrap();
        conn.query_row("SELECT value FROM meta WHERE name = 'probe'", [], |r| r.get::<_, String>(0))
            .map_or(0, |n| n.parse::<u64>().unwrap())
    };
    // A sign of life is no timer's: it comes after a commit of its own on a side row.
    let before = probes();
    assert_eq!(heard(), "WATCHDOG=1");
    assert!(probes() > before, "a sign of life without a commit");
    rig.stop();
    assert_eq!(heard(), "STOPPING=1");
}
