//! The same day against the firmware on a Cortex-M3. `cross/rig.sh firmware` starts it and says where its port is.

use std::path::Path;

use crate::rig::{Rig, folder, load_key};
use crate::sale::{day, runtime};

#[test]
#[ignore = "needs the firmware on a port: run cross/rig.sh firmware"]
fn a_whole_sale_with_keys_that_only_the_firmware_holds() {
    let port = std::env::var("TILLD_BRIDGE_PORT").expect("TILLD_BRIDGE_PORT names the port");
    let port = Path::new(&port);
    let dir = folder("firmware");
    load_key(port);
    runtime().block_on(async {
        let rig = Rig::start(&dir, port).await;
        day(&rig).await;
        rig.stop().await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}
