//! Printers by their models: one of a file of one's own, without Chinese letters, with the store's logo; and what is wrong, in one sentence.

use std::path::Path;

use serde_json::json;
use tilld::sim::printer::{PrinterSettings, PrinterStand};

use crate::rig::{Rig, folder, terminal};
use crate::sale::runtime;

/// A ring of 96 dots, as a PNG.
fn ring(path: &Path) {
    let side = 96i32;
    let at = |i: i32| (i % side - side / 2, i / side - side / 2);
    let dark = |(x, y): (i32, i32)| (30 * 30..44 * 44).contains(&(x * x + y * y));
    let data: Vec<u8> = (0..side * side).map(|i| if dark(at(i)) { 0 } else { 255 }).collect();
    let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), side as u32, side as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
}

#[test]
fn a_printer_without_chinese_letters_prints_receipts_as_dots_under_the_stores_logo() {
    let dir = folder("model");
    ring(&dir.join("logo.png"));
    let model =
        "columns = 32\nencoding = \"raster\"\ncut = \"none\"\ndrawer = { pin = 5, on_ms = 100, off_ms = 400 }\n";
    std::fs::write(dir.join("own.toml"), model).unwrap();
    let settings = PrinterSettings { columns: 32, ..PrinterSettings::default() };
    let stand = PrinterStand::start(&dir.join("front"), settings).unwrap();
    let printer = "[[printer]]\nid = \"front\"\nport = \"front\"\nprofile = \"own.toml\"\nlogo = \"logo.png\"\n";
    runtime().block_on(async {
        let rig = Rig::with(&dir, &(terminal(0, true) + printer)).await;
        rig.open("front").await;
        assert_eq!(rig.pay("r-1", "cash", 1_234).await.unwrap()["state"], "approved");
        rig.until("the receipt", async || {
            let port = rig.port("front").await;
            port["counters"]["jobs_done"].as_u64() >= Some(2)
        })
        .await;
        rig.stop().await;
    });
    let text = stand.paper_text();
    assert!(text.lines().any(|line| line == "[raster 96x48]"), "the logo, in two bands: {text}");
    assert!(text.lines().filter(|line| line.starts_with("[raster 384x")).count() > 10, "{text}");
    assert!(!text.contains("望京店") && !text.contains("[cut]"), "no letters, no cutter: {text}");
    assert_eq!(stand.faults(), Vec::<String>::new());
    let (pulses, openings) = stand.with(|p| (p.drawer_pulses().to_vec(), p.drawer_openings()));
    assert_eq!((pulses, openings), (vec![[1, 50, 200]], 1));
    // To be looked at: target/tmp/hw-receipt.png.
    stand.paper_png(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("hw-receipt.png")).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn out_of_paper_is_one_sentence_and_continue_goes_on() {
    let dir = folder("paper-out");
    let stand = PrinterStand::start(&dir.join("front"), PrinterSettings::default()).unwrap();
    let printer = "[[printer]]\nid = \"front\"\nport = \"front\"\nprofile = \"epson-tm\"\n";
    runtime().block_on(async {
        let rig = Rig::with(&dir, &(terminal(0, true) + printer)).await;
        rig.open("front").await;
        stand.set_paper_lines(5);
        assert_eq!(rig.pay("r-1", "cash", 900).await.unwrap()["state"], "approved");
        let says = async |text: &str| rig.port("front").await["attention"]["zh"] == text;
        rig.until("the sentence", async || says("缺纸，请换纸后按继续").await).await;
        let metrics = String::from_utf8(rig.client.get("/metrics").await.unwrap().body.to_vec()).unwrap();
        for line in ["tilld_port_attention{port=\"front\"} 1", "tilld_port_total{port=\"front\",what=\"opened\"} 1"] {
            assert!(metrics.contains(line), "{line} is not in {metrics}");
        }
        stand.refill();
        rig.must("/v1/printers/resume", json!({"printer": "front"})).await;
        rig.until("the receipt", async || {
            let port = rig.port("front").await;
            port["attention"].is_null() && port["counters"]["jobs_done"].as_u64() >= Some(2)
        })
        .await;
        rig.stop().await;
    });
    let sheets = stand.with(|p| p.paper().sheets());
    assert_eq!(sheets.len(), 1, "nothing twice: {sheets:#?}");
    assert!(sheets[0].contains("9.00") && !sheets[0].contains("重打印"), "{sheets:#?}");
    std::fs::remove_dir_all(&dir).unwrap();
}
