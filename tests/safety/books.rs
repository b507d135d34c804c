//! The acquirer's statement by upload, to the built program: judged, the same again changes nothing, a re-issued one opens a case, spoiled ones are refused
//! and change nothing.

use serde_json::{Value, json};

use crate::rig::Rig;

fn upload(rig: &Rig, name: &str, body: &str) -> (u16, Value) {
    rig.connection().sends(&format!("/v1/statements?name={name}"), "text/csv", body.as_bytes())
}

fn open_cases(rig: &Rig) -> Vec<Value> {
    rig.must("GET", "/v1/cases?state=open", None)["items"].as_array().unwrap().clone()
}

/// A day of three card sales that is closed and settled, and the acquirer's statement of it.
fn settled() -> (Rig, String) {
    let mut rig = Rig::new();
    rig.start_host();
    rig.start();
    rig.hire();
    rig.line_up();
    for request in ["a", "b", "c"] {
        rig.sells(request, "card", "approved");
    }
    let day = rig.must("POST", "/v1/day/close", Some(&json!({"by": "9001", "wait": 60})));
    assert_eq!(day["state"], "balanced", "{day}");
    let statement = rig.ends_host();
    assert_eq!(statement.matches(",1234,").count(), 3, "{statement}");
    (rig, statement)
}

#[test]
fn a_statement_is_taken_over_the_api_and_the_same_again_changes_nothing() {
    let (mut rig, statement) = settled();
    let (status, judged) = upload(&rig, "monday.csv", &statement);
    assert_eq!(
        (status, judged["agrees"].as_bool(), judged["matched_count"].as_u64()),
        (200, Some(true), Some(3)),
        "{judged}"
    );
    let rows = |rig: &Rig| rig.must("GET", "/v1/statements", None)["items"].as_array().unwrap().len();
    let head = |rig: &Rig| rig.must("GET", "/healthz", None)["journal"]["rows"].as_u64().unwrap();
    let before = (rows(&rig), head(&rig));
    assert_eq!(upload(&rig, "monday-again.csv", &statement).0, 200);
    assert_eq!((rows(&rig), head(&rig)), before, "the same statement twice is one");
    assert_eq!(open_cases(&rig), Vec::<Value>::new());
    rig.stop();
    rig.does(&["verify"]);
}

#[test]
fn a_re_issued_statement_with_another_amount_opens_a_case_that_a_manager_can_see() {
    let (mut rig, statement) = settled();
    assert_eq!(upload(&rig, "first.csv", &statement).0, 200);
    let again = statement.replacen(",1234,", ",1235,", 1);
    let (status, judged) = upload(&rig, "re-issued.csv", &again);
    assert_eq!((status, judged["agrees"].as_bool()), (200, Some(false)), "{judged}");
    assert_eq!(judged["counts"]["differs"], 1, "{judged}");
    let cases = open_cases(&rig);
    assert_eq!(cases.len(), 1, "{cases:#?}");
    // Whose it is can be said only here, at the edge.
    let text = cases[0].to_string();
    for fact in ["1001", "POS1", "1235", "1234"] {
        assert!(text.contains(fact), "{fact}: {text}");
    }
    // What the command line says is the same.
    let listed = rig.does(&["cases", "--json"]);
    assert!(listed.contains("1001"), "{listed}");
    rig.stop();
    rig.does(&["verify"]);
}

#[test]
fn what_is_no_statement_is_refused_with_its_reason_and_changes_nothing() {
    let (mut rig, statement) = settled();
    let head = |rig: &Rig| rig.must("GET", "/healthz", None)["journal"]["rows"].as_u64().unwrap();
    let before = head(&rig);
    let (status, problem) = upload(&rig, "noise.csv", "hello\nworld\n");
    assert_eq!((status, problem["code"].as_str()), (422, Some("not_a_statement")), "{problem}");
    let form = rig.connection().sends("/v1/statements", "application/x-www-form-urlencoded", statement.as_bytes());
    assert_eq!((form.0, form.1["code"].as_str()), (400, Some("bad_request")), "{}", form.1);
    let (status, problem) = upload(&rig, "a%0Ab", &statement);
    assert_eq!(status, 400, "{problem}");
    assert_eq!(head(&rig), before);
    rig.stop();
    rig.does(&["verify"]);
}
