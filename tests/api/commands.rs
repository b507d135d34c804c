//! The commands, run as a person runs them: the built program, its exit code, what it prints.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::wire::{House, folder};

const EXAMPLE: &str = include_str!("../../cross/tilld.toml");

/// The shipped example, moved into a folder.
fn config(folder: &Path, lang: &str) -> PathBuf {
    let text = EXAMPLE
        .replace("/var/lib/tilld", "data")
        .replace("/run/tilld/tilld.sock", "run/tilld.sock")
        .replace("/etc/tilld/", "")
        .replace("/media/other/", "")
        .replace("/dev/serial/by-id/", "dev-")
        .replace("# lang = \"zh\"", &format!("lang = \"{lang}\""));
    let path = folder.join("tilld.toml");
    std::fs::write(&path, text).unwrap();
    for (name, digits) in [("POS1.tmk", 32), ("data.key", 64)] {
        let key = folder.join(name);
        std::fs::write(&key, "0123456789ABCDEF".repeat(digits / 16)).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    path
}

fn tilld(words: &[&str], config: &Path, input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tilld"))
        .args(words)
        .arg("--config")
        .arg(config)
        .env_remove("TILLD_LOG")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its words ends before it has read anything.
    let told = child.stdin.take().unwrap().write_all(input.as_bytes());
    assert!(told.is_ok() || told.is_err_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe));
    child.wait_with_output().unwrap()
}

#[track_caller]
fn good(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn bad(output: &Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

fn sale(house: &House) {
    let body = json!({
        "request_id": "r-1", "kind": "sale", "device": "POS1", "cashier": "C1", "method": "cash", "amount": 123_456, "currency": "CNY"
    });
    assert_eq!(house.post("/v1/payments", body).status, 200);
}

#[test]
fn status_is_a_table_or_json() {
    let house = House::open();
    let zh = config(&house.folder, "zh");
    let text = good(&tilld(&["status"], &zh, ""));
    assert!(text.starts_with("S001 望京店  营业日 2026-11-20  正常\n离线待上送 2 笔 3.00  异常 1 条"), "{text}");
    assert!(text.contains("\n终端  线路  签到  批次    阶段  待上送  金额  待冲正"), "{text}");
    assert!(text.contains("\nPOS1  通    是    000001  open       2  3.00       1\n"), "{text}");
    let json: Value = serde_json::from_str(&good(&tilld(&["status", "--json"], &zh, ""))).unwrap();
    assert_eq!(json["terminals"][0]["signed_on"], true);
    let text = good(&tilld(&["status"], &config(&house.folder, "en"), ""));
    assert!(text.contains("POS1      up    yes        000001"), "{text}");
    house.desk.with(|i| i.health = Some("damaged".into()));
    assert_eq!(tilld(&["status"], &zh, "").status.code(), Some(1));
}

#[test]
fn a_payment_is_shown_with_its_story() {
    let house = House::open();
    sale(&house);
    let config = config(&house.folder, "zh");
    for id in ["P00000001", "1"] {
        let text = good(&tilld(&["show", id], &config, ""));
        assert!(text.starts_with("P00000001  sale cash  1,234.56 CNY  approved\n"), "{text}");
        assert!(text.contains("收银员: C1") && text.contains("#1  2026-11-20T10:00:00+08:00  登记交易"), "{text}");
    }
    let json: Value = serde_json::from_str(&good(&tilld(&["show", "1", "--json"], &config, ""))).unwrap();
    assert_eq!(json["story"][0]["seq"], 1);
    assert!(bad(&tilld(&["show", "9"], &config, ""), 65).contains("没有交易 P00000009"));
    assert!(bad(&tilld(&["show", "x"], &config, ""), 64).contains("P00000042"));
}

#[test]
fn people_are_added_with_their_pin_on_standard_input() {
    let house = House::open();
    let config = config(&house.folder, "zh");
    let add = ["cashier", "add", "C9", "--name", "小王", "--role", "cashier", "--pin-stdin"];
    assert!(good(&tilld(&add, &config, "4321\n")).contains("已添加 C9 小王"));
    assert_eq!(house.desk.asked(), ["add C9 小王 cashier [4]"]);
    bad(&tilld(&add, &config, ""), 65);
    assert!(bad(&tilld(&add, &config, "12\n"), 65).contains("pin must be a text of 4 to 12 digits"));
    bad(&tilld(&add[..7], &config, "4321\n"), 64);
}

#[test]
fn the_day_is_closed_with_its_report_and_settlement() {
    let house = House::open();
    let config = config(&house.folder, "zh");
    house.desk.with(|i| i.settled_after = 2);
    let text = good(&tilld(&["close", "--by", "M1"], &config, ""));
    assert!(text.contains("Text zh 2026-11-20"), "the report: {text}");
    assert!(text.contains("营业日 2026-11-20（Z3）已日结。") && text.contains("POS1  000001"), "{text}");
    assert!(house.desk.asked()[0].contains("CutDay { by: Some(CashierId(\"M1\")) }"));
    let json: Value = serde_json::from_str(&good(&tilld(&["close", "--json", "--wait", "0"], &config, ""))).unwrap();
    assert_eq!((json["z_number"].as_u64(), json["cross_foot"].as_bool()), (Some(3), Some(true)));
}

#[test]
fn reports_are_printed_or_written() {
    let house = House::open();
    let config = config(&house.folder, "en");
    assert_eq!(good(&tilld(&["report"], &config, "")), "Text en 2026-11-20");
    assert_eq!(good(&tilld(&["report", "--day", "3", "--lang", "zh"], &config, "")), "Text zh 2026-11-20");
    let json: Value = serde_json::from_str(&good(&tilld(&["report", "--format", "json"], &config, ""))).unwrap();
    assert_eq!(json["z_number"], 3);
    let file = house.folder.join("report.png");
    let name = file.to_str().unwrap();
    assert_eq!(good(&tilld(&["report", "--format", "png", "-o", name], &config, "")), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "Png en 2026-11-20");
    assert_eq!(good(&tilld(&["report", "--format", "escpos"], &config, "")), "Escpos en 2026-11-20");
    bad(&tilld(&["report", "-o", "/nonexistent/x"], &config, ""), 73);
    assert!(bad(&tilld(&["report", "--day", "99"], &config, ""), 65).contains("There is no business day 99"));
    bad(&tilld(&["report", "--day", "../x"], &config, ""), 64);
}

#[test]
fn check_says_everything_and_how_it_ends() {
    let folder = folder();
    let path = config(&folder, "zh");
    let text = good(&tilld(&["check"], &path, ""));
    assert!(text.contains("可以启动") && text.contains("注意  reader[1].port"), "{text}");
    std::fs::set_permissions(folder.join("POS1.tmk"), std::fs::Permissions::from_mode(0o620)).unwrap();
    let output = tilld(&["check", "--json"], &path, "");
    assert_eq!(output.status.code(), Some(78));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["ok"], false);
    let error = json["findings"].as_array().unwrap().iter().find(|f| f["level"] == "error").unwrap();
    assert_eq!(error["key"], "terminal[1].master_key_file");
    assert!(bad(&tilld(&["run"], &path, ""), 78).contains("chmod 600"));
    std::fs::write(&path, "[store\n").unwrap();
    assert!(bad(&tilld(&["status"], &path, ""), 78).contains("line 1: is not TOML"));
    assert!(bad(&tilld(&["status"], &folder.join("none.toml"), ""), 66).contains("Name it with --config"));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn usage_help_and_version() {
    let run = |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_tilld")).args(words).output().unwrap();
    assert_eq!(run(&[]).status.code(), Some(64));
    assert_eq!(run(&["frobnicate"]).status.code(), Some(64));
    assert!(good(&run(&["--version"])).starts_with("tilld "));
    let help = good(&run(&["--help"]));
    for command in ["demo", "run", "check", "status", "cashier", "close", "report", "show", "verify", "sim"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} in {help}");
    }
    assert!(good(&run(&["close", "--help"])).contains("--config <FILE>"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let house = House::open();
    let config = config(&house.folder, "zh");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tilld"))
        .args(["status", "--config"])
        .arg(&config)
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(said, "");
}
