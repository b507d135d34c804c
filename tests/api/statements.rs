//! Statements that come in slowly: they take no payment's turn.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::wire::House;

/// Begins to send a statement of ten bytes, and has sent two.
fn begin(house: &House) -> UnixStream {
    let mut stream = UnixStream::connect(&house.socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = "POST /v1/statements HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/csv\r\nContent-Length: 10\r\n\r\nte";
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

fn answer(mut stream: UnixStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

/// A POS box at the bank's portal hangs in the middle of eight statements; the queue at the till goes on.
#[test]
fn slow_statements_keep_no_payment_waiting() {
    let house = House::open();
    let (first, second) = (begin(&house), begin(&house));
    std::thread::sleep(Duration::from_millis(300));
    let more: Vec<_> = (0..6).map(|_| begin(&house)).collect();
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let body = json!({
        "request_id": "r-1", "kind": "sale", "device": "POS1", "cashier": "C1", "method": "cash", "amount": 1, "currency": "CNY"
    });
    let mut paid = UnixStream::connect(&house.socket).unwrap();
    paid.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (n, body) = (body.to_string().len(), body.to_string());
    let head = "POST /v1/payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json";
    paid.write_all(format!("{head}\r\nContent-Length: {n}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut status = [0; 15];
    paid.read_exact(&mut status).expect("the payment is answered");
    assert_eq!(&status, b"HTTP/1.1 200 OK");
    assert_eq!(house.get("/v1/payments?limit=1").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Two at a time; the others are told at once, and none of what they sent is used.
    for stream in more {
        let answer = answer(stream);
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("\"busy\""), "{answer}");
    }
    // The two are taken to their end, and then there is room again. Who hung up leaves room as well.
    let third = |mut stream: UnixStream| {
        stream.write_all(b"rminal,b").unwrap();
        let answer = answer(stream);
        assert!(answer.starts_with("HTTP/1.1 422") && answer.contains("not_a_statement"), "{answer}");
    };
    third(first);
    drop(second);
    std::thread::sleep(Duration::from_millis(300));
    let (again, beside) = (begin(&house), begin(&house));
    third(again);
    third(beside);
    let taken = house.desk.asked().iter().filter(|asked| *asked == "statement terminal,b").count();
    assert_eq!(taken, 3);
}
