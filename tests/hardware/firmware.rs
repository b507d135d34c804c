//! The same day against the firmware on a Cortex-M3. `cross/rig.sh firmware` starts it and says where its port is.

use std::path::Path;
use std::sync::Mutex;

use crate::rig::{Rig, folder, load_key};
use crate::sale::{day, runtime};

/// What the daemon logs of its drawer jobs: the emulated coil cannot be looked at.
struct Heard(Mutex<Vec<String>>);

static HEARD: Heard = Heard(Mutex::new(Vec::new()));

impl log::Log for Heard {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = record.args().to_string();
        if line.starts_with("drawer job") {
            self.0.lock().unwrap().push(line);
        }
    }

    fn flush(&self) {}
}

#[test]
#[ignore = "needs the firmware on a port: run cross/rig.sh firmware"]
fn a_whole_sale_with_keys_that_only_the_firmware_holds() {
    let port = std::env::var("TILLD_BRIDGE_PORT").expect("TILLD_BRIDGE_PORT names the port");
    let port = Path::new(&port);
    let dir = folder("firmware");
    log::set_logger(&HEARD).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    load_key(port);
    runtime().block_on(async {
        let rig = Rig::start(&dir, port).await;
        day(&rig).await;
        rig.until("the drawer", async || HEARD.0.lock().unwrap().iter().any(|l| l.ends_with("opened"))).await;
        assert!(rig.status().await["ports"][0]["attention"].is_null());
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}
