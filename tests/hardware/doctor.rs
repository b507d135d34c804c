//! `tilld doctor`: 0 only where the till can sell, and otherwise what to do, in the language of the environment.

use tilld::sim::bridge::BridgeSettings;
use tilld::sim::neo2::Neo2Stand;
use tilld::sim::pn532::Pn532Stand;

use crate::rig::{Rig, folder, load_key, terminal, tilld, tilld_in};
use crate::sale::{runtime, stand};

#[test]
fn the_doctor_says_whether_the_till_can_sell_and_what_to_do() {
    let dir = folder("doctor");
    let port = dir.join("bridge");
    let stand = stand(&port, &BridgeSettings::default());
    let path = dir.join("tilld.toml");
    let config = path.to_str().unwrap();
    let words = ["doctor", "--config", config];
    let (code, said) = tilld(&words, "");
    assert!(code == Some(1) && said.contains("WRONG  configuration"), "{said}");
    load_key(&port);
    let (acquirer, bridge) = runtime().block_on(async {
        let rig = Rig::start(&dir, &port).await;
        rig.signed_on().await;
        let (code, said) = tilld(&words, "");
        assert_eq!(code, Some(0), "{said}");
        assert!(said.ends_with("this till can sell\n"), "{said}");
        for part in ["ok     bridge: POS1 bridge", "ok     terminal: POS1: line up, signed on", "a sync takes"] {
            assert!(said.contains(part), "{said}");
        }
        stand.restart();
        rig.until("no key", async || !rig.status().await["ports"][0]["attention"].is_null()).await;
        let (code, said) = tilld_in("zh_CN.UTF-8", &words, "");
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("故障  外设桥：POS1 bridge：密码键盘无主密钥：停止 tilld 后执行 tilld bridge load-key"),
            "{said}"
        );
        assert!(said.ends_with("不能正常收款：请按上面各条处理\n"), "{said}");
        let seen = (rig.acquirer.addr, tilld(&["doctor", "--json", "--config", config], ""));
        rig.stop().await;
        seen
    });
    let json: serde_json::Value = serde_json::from_str(&bridge.1).unwrap();
    assert_eq!((bridge.0, json["can_sell"].as_bool()), (Some(1), Some(false)));
    // Without a daemon it looks for itself.
    let (code, said) = tilld(&words, "");
    assert_eq!(code, Some(1), "{said}");
    for part in [
        "WRONG  daemon: does not run",
        "WRONG  keys: POS1: its PIN pad has no master key: tilld bridge load-key --terminal POS1",
        &format!("WRONG  acquirer: {acquirer} cannot be reached"),
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    drop(stand);
    let (_, said) = tilld(&words, "");
    assert!(said.contains("cannot be opened") && said.contains("dialout"), "{said}");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn the_doctor_asks_contactless_readers_how_they_are() {
    let dir = folder("doctor-readers");
    let (chip, neo2) = (dir.join("pn532"), dir.join("neo2"));
    let (pn532, _id_tech) = (Pn532Stand::start(&chip).unwrap(), Neo2Stand::start(&neo2).unwrap());
    let of = |kind: &str| format!("[[reader]]\nterminal = \"POS1\"\nkind = \"{kind}\"\nport = \"{kind}\"\n");
    let config = dir.join("tilld.toml");
    crate::rig::write_key(&dir);
    std::fs::write(&config, crate::rig::configuration(1) + &terminal(0, true) + &of("pn532") + &of("neo2")).unwrap();
    let words = ["doctor", "--config", config.to_str().unwrap()];
    let (code, said) = tilld(&words, "");
    assert_eq!(code, Some(1), "no daemon runs: {said}");
    assert!(said.contains("ok     reader: POS1 pn532 answers") && said.contains("POS1 neo2 answers"), "{said}");
    pn532.mute(true);
    let (_, said) = tilld_in("zh_CN.UTF-8", &words, "");
    assert!(said.contains("故障  读卡器/扫码枪：POS1 pn532：端口已开，读卡器无应答"), "{said}");
    pn532.unplug();
    let (_, said) = tilld(&words, "");
    assert!(said.contains("WRONG  reader: POS1: ") && said.contains("cannot be opened"), "{said}");
    std::fs::remove_dir_all(&dir).unwrap();
}
