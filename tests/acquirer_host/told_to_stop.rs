//! `tilld sim acquirer` told to stop: SIGTERM ends it, and its judgement is one JSON object.

use std::process::{Command, Stdio};
use std::sync::Arc;

use clap::Parser;
use tilld::core::domain::WallMs;
use tilld::sim::acquirer::{SimArgs, run};

const VARIABLE: &str = "TILLD_TEST_HOST_FOLDER";

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    sim: SimArgs,
}

/// Not a test by itself: this program, started again by the test below, is the host that is told to stop.
#[test]
fn host_to_be_stopped() {
    let Some(folder) = std::env::var_os(VARIABLE).map(std::path::PathBuf::from) else { return };
    let any = ["--any-terminal", "11111111111111112222222222222222", "--listen", "127.0.0.1:0"];
    let mut arguments: Vec<std::ffi::OsString> = ["sim"].iter().chain(&any).map(Into::into).collect();
    for name in ["books", "statement", "scenario"] {
        arguments.extend([format!("--{name}").into(), folder.join(name).into()]);
    }
    std::fs::write(folder.join("scenario"), "latency_ms = 1").unwrap();
    let sim = Arguments::parse_from(arguments).sim;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut out = Vec::new();
    runtime.block_on(run(sim, Arc::new(|| WallMs(0)), &mut out)).unwrap();
    std::fs::write(folder.join("judgement"), out).unwrap();
}

#[test]
fn a_host_that_is_told_to_stop_writes_its_judgement() {
    let folder = std::env::temp_dir().join(format!("tilld-host-stop-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "told_to_stop::host_to_be_stopped"])
        .env(VARIABLE, &folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The statement is written once at the start, after the signals are minded.
    while !folder.join("statement").exists() {
        assert!(child.try_wait().unwrap().is_none(), "the host stopped by itself");
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let text = std::fs::read_to_string(folder.join("judgement")).unwrap();
    let judgement: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (name, value) in [("payments", 0), ("duplicates", 0)] {
        assert_eq!(judgement[name], value);
    }
    assert_eq!(judgement["findings"], serde_json::json!([]));
    assert_eq!(judgement["effects"]["sale"], serde_json::json!({"count": 0, "amount": 0}));
    assert!(
        std::fs::read_to_string(folder.join("statement"))
            .unwrap()
            .starts_with("terminal,batch,stan,rrn,kind,amount,status,")
    );
    std::fs::remove_dir_all(folder).unwrap();
}
