//! Every message that a technician can meet, with its place.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::core::ledger::GuardRules;

const GOOD: &str = include_str!("../../../cross/tilld.toml");

fn parse(text: &str) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    Config::parse(text, Path::new("/etc/tilld/tilld.toml"))
}

/// The example with one line changed; what is said about it.
fn complaint(line: &str, instead: &str) -> Vec<String> {
    assert!(GOOD.contains(line), "{line}");
    let text = GOOD.replacen(line, instead, 1);
    let findings = parse(&text).expect_err(instead);
    for finding in &findings {
        assert!(finding.what.zh.chars().any(|c| c >= '\u{4e00}'), "{finding:?}");
    }
    findings.iter().map(|f| f.text(Lang::En)).collect()
}

fn line_number(of: &str) -> usize {
    GOOD.lines().position(|l| l.starts_with(of)).unwrap() + 1
}

/// One finding, at the line of `line`, about `key`, saying `part`.
#[track_caller]
fn one(line: &str, instead: &str, key: &str, part: &str) {
    let said = complaint(line, instead);
    let start = format!("line {}: {key}: ", line_number(line));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with(&start), "{:?} should start with {start:?}", said[0]);
    assert!(said[0].contains(part), "{:?} should contain {part:?}", said[0]);
}

#[test]
fn the_shipped_example_is_a_configuration() {
    let (config, warnings) = parse(GOOD).unwrap();
    assert_eq!(warnings, Vec::new());
    assert_eq!(config.store.name, "望京店");
    assert_eq!(config.store.day_cut, DayCut::At { hour: 3, minute: 0 });
    assert_eq!(config.api.listen.unwrap().port(), 7310);
    assert_eq!(config.acquirer.tpdu, [0x60, 0x00, 0x03, 0x00, 0x00]);
    assert_eq!(config.acquirer.header, [0x60, 0x22, 0, 0, 0, 0]);
    assert_eq!(config.acquirer.endpoint, Endpoint { tls: false, host: "127.0.0.1".into(), port: 9583 });
    assert_eq!(config.offline.unwrap().max_total, Minor(2_000_000));
    assert_eq!(config.limits, LimitsConfig::default());
    assert_eq!(config.terminals[0].tid.as_str(), "12345678");
    assert_eq!(config.readers[0].kind, ReaderKind::named("scanner").unwrap());
    assert_eq!((config.printers[0].profile.columns, config.printers[0].receipts), (48, true));
    assert!(config.printers[0].serves(&TerminalId::new("POS1").unwrap()));
}

#[test]
fn what_is_commented_out_in_the_example_is_a_key_too() {
    let text: String = GOOD
        .lines()
        .map(|l| match l.strip_prefix("# ") {
            Some(rest) if rest.starts_with('[') || rest.contains(" = ") => format!("{rest}\n"),
            _ => format!("{l}\n"),
        })
        .collect();
    let (with, _) = parse(&text).unwrap_or_else(|e| panic!("{e:?}"));
    let (without, _) = parse(GOOD).unwrap();
    assert_eq!(
        (with.limits.max_amount, with.limits.settle_wait_s),
        (without.limits.max_amount, without.limits.settle_wait_s)
    );
    assert_eq!(without.limits, LimitsConfig::default(), "a limit that is only a comment holds");
    let guards = GuardRules {
        refund: Some(Minor(50_000)),
        over_short: Some(Minor(2_000)),
        cashier_sales: Some(Minor(5_000_000)),
        cashier_refunds: Some(Minor(100_000)),
        device_sales: Some(Minor(10_000_000)),
        device_refunds: Some(Minor(200_000)),
        day_sales: Some(Minor(50_000_000)),
        day_refunds: Some(Minor(500_000)),
    };
    assert_eq!(with.limits.guards, guards);
    assert_eq!(with.store, without.store);
    assert_eq!(with.acquirer.ca_file, Some(PathBuf::from("/etc/tilld/acquirer-ca.pem")));
    assert_eq!(with.acquirer.server_name.as_deref(), Some("pos.acquirer.example"));
    let client = (PathBuf::from("/etc/tilld/store.pem"), PathBuf::from("/etc/tilld/store.key"));
    assert_eq!(with.acquirer.client, Some(client));
}

#[test]
fn tls_without_an_authority_or_with_half_a_client_is_refused() {
    let tls = GOOD.replace("tcp://127.0.0.1:9583", "tls://pos.acquirer.example:9583");
    let told = |text: &str| format!("{:?}", parse(text).unwrap_err());
    assert!(told(&tls).contains("acquirer.ca_file"));
    let with_ca = tls.replace("# ca_file", "ca_file");
    assert_eq!(parse(&with_ca).unwrap().0.acquirer.ca_file, Some(PathBuf::from("/etc/tilld/acquirer-ca.pem")));
    for half in ["# client_key", "# client_certificate"] {
        assert!(told(&with_ca.replace(half, &half[2..])).contains("acquirer.client_certificate"), "{half}");
    }
    assert!(
        told(&with_ca.replace("# server_name = \"pos.acquirer.example\"", "server_name = \"a b\""))
            .contains("server_name")
    );
}

#[test]
fn the_optional_sections_may_be_absent() {
    let cut = GOOD.find("# Sales while").unwrap()..GOOD.find("[[terminal]]").unwrap();
    let tail = GOOD.find("[[reader]]").unwrap();
    let text = format!("{}{}", &GOOD[..cut.start], &GOOD[cut.end..tail]);
    let (config, _) = parse(&text).unwrap();
    assert_eq!((config.offline, config.readers.len(), config.printers.len()), (None, 0, 0));
}

#[test]
fn relative_paths_begin_at_the_file() {
    let (config, _) = parse(&GOOD.replace("\"/var/lib/tilld\"", "\"data\"")).unwrap();
    assert_eq!(config.data.dir, PathBuf::from("/etc/tilld/data"));
    // `--config tilld.toml`, said in its own folder: "" would be no folder at all.
    let (config, _) = Config::parse(&GOOD.replace("\"/var/lib/tilld\"", "\"data\""), Path::new("tilld.toml")).unwrap();
    assert!(config.data.dir.parent().unwrap().is_dir(), "{}", config.data.dir.display());
}

#[test]
fn everything_wrong_is_said_at_once_in_the_order_of_the_file() {
    let text = GOOD
        .replace("id = \"S001\"", "idd = \"S001\"")
        .replace("currency = \"CNY\"", "currency = \"RMB\"")
        .replace("tid = \"12345678\"", "tid = \"1234567\"")
        .replace("[offline]", "[offlin]");
    let said: Vec<_> = parse(&text).unwrap_err().iter().map(|f| f.text(Lang::En)).collect();
    assert_eq!(said.len(), 5, "{said:#?}");
    assert!(said[0].starts_with(&format!("line {}: store.id: is missing", line_number("[store]"))), "{}", said[0]);
    assert!(said[1].contains("store.idd: is an unknown key: did you mean id?"), "{}", said[1]);
    assert!(said[2].contains("unknown currency \"RMB\""), "{}", said[2]);
    assert!(said[3].contains("offlin: is an unknown key: did you mean offline?"), "{}", said[3]);
    assert!(said[4].contains("terminal[1].tid: must have 8 characters and has 7"), "{}", said[4]);
}

#[test]
fn every_wrong_value_says_where_and_what_to_do() {
    let bound = "must be a whole number from";
    for (line, instead, key, part) in [
        ("id = \"S001\"", "id = \"S 001\"", "store.id", "1 to 32 printable ASCII characters without spaces"),
        ("id = \"S001\"", "id = 1", "store.id", "has the wrong type (integer). Write it as: id = \"S001\""),
        ("name = \"望京店\"", "name = \" \"", "store.name", "1 to 60 printable characters"),
        ("timezone = \"Asia/Shanghai\"", "timezone = \"Asia/Peking\"", "store.timezone", "write it like Asia/Shanghai"),
        ("currency = \"CNY\"", "currency = \"cny\"", "store.currency", "ISO 4217 letters"),
        ("day_cut = \"03:00\"", "day_cut = \"24:00\"", "store.day_cut", "write \"03:00\" or \"manual\""),
        ("day_cut = \"03:00\"", "day_cut = \"3:00\"", "store.day_cut", "is no day cut"),
        ("day_cut = \"03:00\"", "day_cut = 03:00:00", "store.day_cut", "wrong type (datetime)"),
        ("dir = \"/var/lib/tilld\"", "dir = \"\"", "data.dir", "must not be empty"),
        ("listen = \"127.0.0.1:7310\"", "listen = \"0.0.0.0:7310\"", "api.listen", "is not a loopback address"),
        ("listen = \"127.0.0.1:7310\"", "listen = \"7310\"", "api.listen", "write it like 127.0.0.1:7310"),
        ("profile = \"unionpay-pos\"", "profile = \"UnionPay\"", "acquirer.profile", "unionpay-pos"),
        (
            "profile = \"unionpay-pos\"",
            "profile = \"bank.toml\"",
            "acquirer.profile",
            "/etc/tilld/bank.toml: No such file",
        ),
        (
            "endpoint = \"tcp://127.0.0.1:9583\"",
            "endpoint = \"127.0.0.1:9583\"",
            "acquirer.endpoint",
            "write it like tcp://",
        ),
        ("endpoint = \"tcp://127.0.0.1:9583\"", "endpoint = \"http://a:1\"", "acquirer.endpoint", "is no endpoint"),
        ("endpoint = \"tcp://127.0.0.1:9583\"", "endpoint = \"tcp://a:0\"", "acquirer.endpoint", "is no endpoint"),
        ("endpoint = \"tcp://127.0.0.1:9583\"", "endpoint = \"tcp://a b:1\"", "acquirer.endpoint", "is no endpoint"),
        ("tpdu = \"6000030000\"", "tpdu = \"600003000\"", "acquirer.tpdu", "must be 10 digits"),
        ("header = \"602200000000\"", "header = \"60220000000g\"", "acquirer.header", "must be 12 digits"),
        ("timeout_ms = 60000", "timeout_ms = 0", "acquirer.timeout_ms", bound),
        ("timeout_ms = 60000", "timeout_ms = 60.0", "acquirer.timeout_ms", "wrong type (float)"),
        ("max_amount = 50000", "max_amount = 0", "offline.max_amount", bound),
        ("max_total = 2000000", "max_total = -1", "offline.max_total", bound),
        ("max_count = 500", "max_count = 0", "offline.max_count", bound),
        ("max_age_hours = 72", "max_age_hours = 99999", "offline.max_age_hours", bound),
        ("tid = \"12345678\"", "tid = \"123456789\"", "terminal[1].tid", "must have 8 characters and has 9"),
        ("mid = \"123456789012345\"", "mid = \"12345678901234 \"", "terminal[1].mid", "must have 15 characters"),
        ("serial_number = \"00003202\"", "serial_number = \"\"", "terminal[1].serial_number", "1 to 32 printable"),
        ("terminal = \"POS1\"", "terminal = \"POS9\"", "reader[1].terminal", "configured are: POS1"),
        ("kind = \"scanner\"", "kind = \"camera\"", "reader[1].kind", "use one of scanner, msr, pn532, neo2, bridge"),
        ("baud = 9600", "baud = 9601", "reader[1].baud", "use one of 1200, 2400"),
        ("columns = 48", "columns = 40", "printer[1].columns", "use one of 32, 35, 42, 48"),
        ("encoding = \"gb18030\"", "encoding = \"big5\"", "printer[1].encoding", "use one of gb18030, raster, ascii"),
    ] {
        one(line, instead, key, part);
    }
}

#[test]
fn an_acquirers_own_profile_is_named_by_its_path() {
    let dir = std::env::temp_dir().join(format!("tilld-profile-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("bank.toml");
    let nii = include_str!("../../core/acquirer/profiles/nii-pos.toml");
    std::fs::write(&path, nii).unwrap();
    let line = "profile = \"unionpay-pos\"";
    let text = GOOD.replacen(line, &format!("profile = \"{}\"", path.display()), 1);
    let profile = parse(&text).unwrap().0.acquirer.profile;
    assert_eq!((profile.name.as_str(), profile.frame.header), ("bank", 0));
    // A mistake in it is a mistake of the configuration, and says which file.
    std::fs::write(&path, nii.replacen("mti = \"0200\"", "mit = \"0200\"", 1)).unwrap();
    let said = parse(&text).unwrap_err();
    let en = said[0].text(Lang::En);
    assert!(en.contains("bank.toml: ") && en.contains("mit"), "{en}");
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn switches_and_lists_are_checked() {
    let line = "encoding = \"gb18030\"";
    for (added, key, part) in [
        ("receipts = 1", "receipts", "wrong type (integer). Write it as: receipts = true"),
        ("language = \"fr\"", "language", "use one of zh, en"),
        ("terminals = [\"POS1\", \"POS7\"]", "terminals", "there is no terminal \"POS7\""),
        ("terminals = \"POS1\"", "terminals", "wrong type (string)"),
        ("colums = 48", "colums", "did you mean columns?"),
        ("flow = \"dsr\"", "flow", "use one of none, hardware, software"),
        ("profile = \"star\"", "profile", "no printer model \"star\""),
        ("profile = \"no-such-model.toml\"", "profile", "no-such-model.toml cannot be read"),
        (
            "zebra = 1",
            "zebra",
            "known here: id, port, baud, flow, profile, columns, encoding, logo, terminals, receipts, language",
        ),
    ] {
        let said = complaint(line, &format!("{line}\n{added} #"));
        assert_eq!(said.len(), 1, "{said:?}");
        let start = format!("line {}: printer[1].{key}: ", line_number(line) + 1);
        assert!(said[0].starts_with(&start) && said[0].contains(part), "{said:?}");
    }
    let said = complaint("day_cut = \"03:00\"", "require_shift = \"yes\"\nday_cut = \"03:00\"");
    assert!(said[0].contains("store.require_shift: has the wrong type (string)"), "{said:?}");
}

#[test]
fn what_must_be_single_is() {
    let second = "[[terminal]]\nid = \"POS1\"\ntid = \"12345678\"\nmid = \"123456789012345\"\nmaster_key_file = \"k\"\n\n[[reader]]";
    let said = complaint("[[reader]]", second);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("terminal[2].id: \"POS1\" is already used in line"), "{said:?}");
    assert!(said[1].contains("terminal[2].tid: \"12345678\" is already used in line"), "{said:?}");
    let said = complaint("usb-printer", "usb-scanner");
    assert!(said[0].contains("printer[1].port: \"/dev/serial/by-id/usb-scanner\" is already used"), "{said:?}");
}

#[test]
fn tcp_needs_a_token_and_a_store_needs_a_terminal() {
    let token = GOOD.lines().find(|l| l.starts_with("token_file")).unwrap();
    let said = complaint(token, "");
    assert!(said[0].contains("api.token_file: is needed where listen is set"), "{said:?}");
    let text = &GOOD[..GOOD.find("[[terminal]]").unwrap()];
    let said: Vec<_> = parse(text).unwrap_err().iter().map(|f| f.text(Lang::En)).collect();
    assert!(said[0].contains("terminal: there must be at least one [[terminal]]"), "{said:?}");
}

#[test]
fn sections_that_are_missing_or_no_tables_are_named() {
    let said: Vec<_> = parse("store = 1\nreader = 2").unwrap_err().iter().map(|f| f.text(Lang::En)).collect();
    let all = said.join("\n");
    for part in [
        "line 1: store: has the wrong type (integer)",
        "line 2: reader: has the wrong type (integer)",
        "[data]: the section [data] is missing",
        "[api]: the section [api] is missing",
        "[acquirer]: the section [acquirer] is missing",
    ] {
        assert!(all.contains(part), "{part} in {all}");
    }
}

#[test]
fn what_is_not_toml_names_the_line() {
    let findings = parse("[store]\nid = \n").unwrap_err();
    assert_eq!(findings[0].line, Some(2), "{findings:?}");
    assert!(findings[0].what.en.starts_with("is not TOML: "), "{findings:?}");
    let twice = parse("[store]\nid = \"a\"\nid = \"b\"\n").unwrap_err();
    assert_eq!(twice[0].line, Some(3), "{twice:?}");
}

#[test]
fn a_total_below_one_payment_is_only_a_warning() {
    let (_, warnings) = parse(&GOOD.replace("max_total = 2000000", "max_total = 1000")).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].text(Lang::En).contains("offline.max_total: is below max_amount"), "{warnings:?}");
}

#[test]
fn endpoints_by_name_and_address() {
    for (text, tls, host) in
        [("tls://pos.bank.example:9583", true, "pos.bank.example"), ("tcp://[::1]:9583", false, "::1")]
    {
        let text = GOOD.replace("tcp://127.0.0.1:9583", text).replace("# ca_file", "ca_file");
        let (config, _) = parse(&text).unwrap();
        assert_eq!(config.acquirer.endpoint, Endpoint { tls, host: host.into(), port: 9583 });
    }
}

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tilld-config-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn in_folder(folder: &Folder) -> Vec<String> {
    let text = GOOD
        .replace("/var/lib/tilld", "data")
        .replace("/etc/tilld/", "")
        .replace("/media/other/", "")
        .replace("/dev/serial/by-id/usb-printer", "/dev/null")
        .replace("/dev/serial/by-id/", "nowhere/");
    let (config, _) = Config::parse(&text, &folder.0.join("tilld.toml")).unwrap();
    check_files(&config).iter().map(|f| format!("{:?} {}", f.level, f.text(Lang::En))).collect()
}

#[test]
fn keys_that_others_can_read_are_named_and_those_they_can_write_stop_the_start() {
    let folder = Folder::new("keys");
    folder.file("data.key", "x", 0o640);
    folder.file("token", "x", 0o606);
    folder.file("POS1.tmk", "0123456789ABCDEFFEDCBA987654321", 0o600);
    let said = in_folder(&folder);
    let has = |part: &str| assert!(said.iter().any(|s| s.contains(part)), "{part} in {said:#?}");
    has("Warning data.key_file: ");
    has("has mode 0640: others can read it. chmod 600");
    has("Error api.token_file: ");
    has("Error terminal[1].master_key_file: ");
    has("does not hold 32 hex digits");
    has("Warning reader[1].port: ");
    has("is not there now: check the plug");
    has("Warning data.mark_file: lies on the same file system as the data");
    assert!(!said.iter().any(|s| s.contains("printer[1].port")), "a character device is a port: {said:#?}");
}

#[test]
fn keys_that_are_closed_are_fine_and_those_that_are_made_may_be_absent() {
    let folder = Folder::new("closed");
    folder.file("POS1.tmk", "0123456789ABCDEFFEDCBA9876543210\n", 0o600);
    folder.file("data.key", "x", 0o600);
    let said = in_folder(&folder);
    assert!(!said.iter().any(|s| s.starts_with("Error")), "{said:#?}");
    std::fs::remove_file(folder.0.join("data.key")).unwrap();
    let said = in_folder(&folder);
    assert!(said.iter().any(|s| s.contains("it is made at the first start")), "{said:#?}");
    std::fs::create_dir(folder.0.join("data")).unwrap();
    folder.file("data/tilld.sqlite", "an old store", 0o600);
    let said = in_folder(&folder);
    assert!(
        said.iter().any(|s| s.contains("is missing: this store's cards and day keys are sealed under it")),
        "{said:#?}"
    );
    std::fs::remove_file(folder.0.join("POS1.tmk")).unwrap();
    let said = in_folder(&folder);
    assert!(said.iter().any(|s| s.contains("does not exist. Put the acquirer's master key into it")), "{said:#?}");
}

#[test]
fn a_configuration_that_is_not_there_says_how_to_name_one() {
    let error = Config::load(Path::new("/nonexistent/tilld.toml")).unwrap_err();
    assert!(error.unreadable);
    assert!(error.to_string().contains("Name it with --config"), "{error}");
}

#[test]
fn keys_are_in_a_file_or_behind_a_bridge() {
    let key = GOOD.lines().find(|l| l.starts_with("master_key_file")).unwrap();
    let said = complaint(key, "");
    let start = format!("line {}: terminal[1].master_key_file: is missing", line_number("[[terminal]]"));
    assert!(said.len() == 1 && said[0].starts_with(&start), "{said:?}");
    let bridge = "kind = \"bridge\"";
    let text = GOOD.replacen(key, "", 1).replacen("kind = \"scanner\"", bridge, 1).replacen("baud = 9600", "", 1);
    let (config, _) = parse(&text).unwrap();
    assert_eq!((config.readers[0].kind, config.readers[0].baud), (ReaderKind::Bridge, 115_200));
    let second = format!("[[reader]]\nterminal = \"POS1\"\n{bridge}\nport = \"/dev/b\"\n");
    let said: Vec<_> = parse(&format!("{text}\n{second}")).unwrap_err().iter().map(|f| f.text(Lang::En)).collect();
    assert!(said.len() == 1 && said[0].contains("reader[2].terminal: \"POS1\" is already used"), "{said:?}");
}

#[test]
fn a_calendar_is_read_before_the_start_and_its_end_is_announced() {
    let folder = Folder::new("calendar");
    let file = folder.file("holidays.toml", "name = \"x\"\nfrom = \"2026-01-01\"\nto = \"2026-99-31\"\n", 0o644);
    let text = format!("{GOOD}\n[calendar]\nfile = \"{}\"\n", file.display());
    let (config, _) = parse(&text).unwrap();
    let said = check_files(&config).iter().map(|f| f.text(Lang::En)).collect::<Vec<_>>();
    assert!(said.iter().any(|s| s.starts_with("calendar.file: cannot be used") && s.contains("line ")), "{said:#?}");

    let cn = crate::core::calendar::Calendar::cn();
    let on = |day: &str| super::money::calendar_ends(&cn, crate::core::domain::BusinessDate::parse(day).unwrap());
    assert_eq!(on("2026-10-01"), None);
    let soon = on("2026-11-25").unwrap();
    assert!(soon.level == Level::Warning && soon.text(Lang::En).contains("2025-01-01 to 2026-12-31"), "{soon:?}");
    assert!(on("2027-03-01").is_some() && on("2024-03-01").is_some());
}
