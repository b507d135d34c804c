//! The mark in the bridge: an older image of the whole disk, mark file and all, is found out by it.

use std::path::Path;

use tilld::sim::bridge::BridgeSettings;

use crate::rig::{Rig, folder, load_key};
use crate::sale::{runtime, stand};

/// The data and the mark file, as an image of the disk has them.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.file_name().and_then(|n| n.to_str()) {
            Some("data" | "mark") => copy(&path, &target),
            Some(_) if path.is_file() && (from.ends_with("mark") || from.ends_with("data")) => {
                std::fs::copy(&path, &target).map(drop).unwrap();
            }
            _ => {}
        }
    }
}

async fn behind(rig: &Rig) -> bool {
    rig.status().await["warnings"].to_string().contains("behind the mark")
}

#[test]
fn an_older_image_of_the_whole_disk_is_found_out_by_the_bridge() {
    let dir = folder("marks");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings::default());
    load_key(&port);
    let image = dir.join("image");
    runtime().block_on(async {
        let rig = Rig::start(&dir, &port).await;
        rig.signed_on().await;
        assert_eq!(rig.pay("a", "card", 1_000).await.unwrap()["state"], "approved");
        rig.stop().await;
        copy(&dir, &image);

        let rig = Rig::start(&dir, &port).await;
        rig.signed_on().await;
        assert!(!behind(&rig).await);
        assert_eq!(rig.pay("b", "card", 2_000).await.unwrap()["state"], "approved");
        // Written once a second; the day's cut is a rung, and does not wait for that.
        let rows = |status: &serde_json::Value| status["journal"]["rows"].as_u64().unwrap();
        let seen = rows(&rig.status().await);
        rig.until("the bridge has its mark", async || stand.mark(*b"10000001").is_some_and(|m| m.sequence >= seen))
            .await;
        rig.stop().await;

        // The image is put back: database and mark file agree with each other.
        std::fs::remove_dir_all(dir.join("data")).unwrap();
        std::fs::remove_dir_all(dir.join("mark")).unwrap();
        copy(&image, &dir);
        let rig = Rig::start(&dir, &port).await;
        rig.until("the bridge's mark was compared", async || behind(&rig).await).await;
        assert_eq!(rig.pay("c", "card", 3_000).await.unwrap_err(), "mark_behind");
        assert_eq!(rig.pay("d", "cash", 100).await.unwrap()["state"], "approved", "cash goes on");
        let kept = stand.mark(*b"10000001").unwrap();
        rig.stop().await;
        assert_eq!(stand.mark(*b"10000001").unwrap(), kept, "the evidence stays as it is");

        // Started again it is found again, also while the mark's medium is not mounted and another mark begins in its folder; a technician who has looked
        // removes the mark file, and it is found no more.
        let (mark, away) = (dir.join("mark"), dir.join("away"));
        let mut passed = false;
        for act in ["", "unmounts", "", "mounts", "removes the mark", ""] {
            match act {
                "unmounts" => {
                    std::fs::rename(&mark, &away).unwrap();
                    std::fs::create_dir(&mark).unwrap();
                }
                "mounts" => {
                    std::fs::remove_dir_all(&mark).unwrap();
                    std::fs::rename(&away, &mark).unwrap();
                }
                "removes the mark" => {
                    std::fs::remove_file(mark.join("tilld.mark")).unwrap();
                    passed = true;
                }
                _ => {}
            }
            let rig = Rig::start(&dir, &port).await;
            rig.signed_on().await;
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            assert_eq!(behind(&rig).await, !passed, "a technician {act}");
            rig.stop().await;
        }
    });
    drop(stand);
    std::fs::remove_dir_all(&dir).unwrap();
}
