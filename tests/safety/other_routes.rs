//! A refund that the channel refuses goes by transfer, on the built program and by its command line: made by one manager, approved by another, sent as a
//! file for the bank, answered by the bank's file. And the card table, taken over while the till sells.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::rig::{Rig, secret};

const PIN: &str = "246810";

/// A command that asks for a PIN on its input.
fn with_pin(rig: &Rig, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tilld"));
    command.current_dir(&rig.dir).args(words).args(["--config", "tilld.toml"]).env("LANG", "en_US.UTF-8");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{PIN}\n").as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.success(), said)
}

fn must(rig: &Rig, words: &[&str]) -> String {
    let (well, said) = with_pin(rig, words);
    assert!(well, "{words:?}: {said}");
    said
}

fn step(rig: &Rig, order: &str) -> String {
    rig.must("GET", &format!("/v1/payments/{order}"), None)["transfer"]["step"].as_str().unwrap().to_owned()
}

#[test]
fn a_refund_that_the_channel_refuses_is_transferred_by_two_managers_and_paid_once() {
    let mut rig = Rig::new();
    std::fs::write(rig.dir.join("scenario.toml"), "[[fault]]\non = \"refund\"\ndo = \"refuse\"\ncode = \"51\"\n")
        .unwrap();
    secret(&rig.dir.join("payees.csv"), "id,name,account,bank\nK7,张三丰,6200000000001234567,工商银行\n");
    let toml = std::fs::read_to_string(rig.dir.join("tilld.toml")).unwrap();
    std::fs::write(
        rig.dir.join("tilld.toml"),
        format!("{toml}[refunds]\ntransfer = true\npayees_file = \"payees.csv\"\n"),
    )
    .unwrap();
    rig.start_host();
    rig.start();
    rig.hire();
    let second = json!({"id": "9002", "name": "9002", "role": "manager", "pin": PIN});
    assert!(rig.ask("POST", "/v1/cashiers", Some(&second)).unwrap().0 < 300);
    rig.line_up();
    let (_, sale) = rig.sale("sale", "card", 9_000);
    assert_eq!(sale["state"], "approved", "{sale}");
    let refund = |request: &str, more: Value| {
        let mut body = json!({"request_id": request, "kind": "refund", "device": "POS1", "cashier": "1001", "method": "card",
            "amount": 1_051, "confirm_amount": 1_051, "currency": "CNY", "original": sale["id"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rig.ask("POST", "/v1/payments", Some(&body)).unwrap()
    };
    // Not at a customer's wish: before the channel has refused there is no other way.
    let approval = json!({"manager": "9001", "pin": PIN});
    let other = json!({"method": "transfer", "payee": "K7", "approval": approval});
    let (status, early) = refund("early", other.clone());
    assert!(status >= 400, "{early}");
    let (_, refused) = refund("by-card", json!({"card": {"track2": crate::rig::TRACK, "entry": "magstripe"}}));
    assert_eq!(refused["state"], "declined", "{refused}");
    let (status, stranger) = refund("stranger", json!({"method": "transfer", "payee": "K8", "approval": approval}));
    assert!(status >= 400, "a payee that is not on the list: {stranger}");
    let (status, order) = refund("transfer", other);
    assert_eq!((status, order["transfer"]["step"].as_str()), (200, Some("created")), "{order}");
    let id = order["id"].as_str().unwrap();
    assert!(must(&rig, &["transfers", "list"]).contains(id));

    // Whoever made it cannot approve it.
    let (well, said) = with_pin(&rig, &["transfers", "step", id, "approved", "--by", "9001", "--pin-stdin"]);
    assert!(!well && step(&rig, id) == "created", "{said}");
    must(&rig, &["transfers", "step", id, "approved", "--by", "9002", "--pin-stdin"]);
    must(&rig, &["transfers", "send", "--by", "9001", "--pin-stdin", "-o", "bank.csv"]);
    assert_eq!(step(&rig, id), "sent");
    let file = std::fs::read_to_string(rig.dir.join("bank.csv")).unwrap();
    assert!(file.contains(id) && file.contains("6200000000001234567") && file.contains("张三丰"), "{file}");
    // Accepted is not paid; and the same order stands in the next file under the same number.
    let answer = |status: &str| format!("order_no,status,reference,amount\n{id},{status},B77,10.51\n");
    std::fs::write(rig.dir.join("back.csv"), answer("accepted")).unwrap();
    must(&rig, &["transfers", "answers", "back.csv", "--by", "9001", "--pin-stdin"]);
    assert_eq!(step(&rig, id), "accepted");
    std::fs::write(rig.dir.join("back.csv"), answer("succeeded")).unwrap();
    for _ in 0..2 {
        must(&rig, &["transfers", "answers", "back.csv", "--by", "9001", "--pin-stdin"]);
        assert_eq!(step(&rig, id), "succeeded");
    }
    must(&rig, &["transfers", "send", "--by", "9001", "--pin-stdin", "-o", "next.csv"]);
    assert!(!std::fs::read_to_string(rig.dir.join("next.csv")).unwrap().contains(id), "it would be paid twice");
    let day = rig.must("POST", "/v1/day/close", Some(&json!({"by": "9001", "wait": 60})));
    assert_eq!((day["cross_foot"].as_bool(), day["state"].as_str()), (Some(true), Some("balanced")), "{day}");
    // The account stays in the list and in the file for the bank.
    let all = rig.reads("/v1/payments?limit=500") + &rig.log();
    assert!(!all.contains("6200000000001234567"));
    rig.stop();
    rig.does(&["verify"]);
}

#[test]
fn a_card_table_is_taken_over_whole_or_not_at_all_while_the_till_sells() {
    let mut rig = Rig::new();
    rig.start();
    rig.hire();
    std::fs::write(
        rig.dir.join("bins.csv"),
        "prefix,brand,kind,origin\n622202,CUP,debit,domestic\n4111,VIS,credit,foreign\n",
    )
    .unwrap();
    let said = rig.does(&["cards", "import", "bins.csv"]);
    assert!(said.contains('2'), "{said}");
    rig.sells("a", "cash", "approved");
    std::fs::write(
        rig.dir.join("spoiled.csv"),
        "prefix,brand,kind,origin\n622202,CUP,debit,domestic\nABC,VIS,credit,foreign\n",
    )
    .unwrap();
    let (_, why) = rig.refuses(&["cards", "import", "spoiled.csv"]);
    assert!(
        why.contains("spoiled.csv:3: the prefix must have 1 to 11 digits") && why.contains("nothing was taken"),
        "{why}"
    );
    rig.stop();
    rig.does(&["verify"]);
}
