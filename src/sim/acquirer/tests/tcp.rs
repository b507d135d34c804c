//! The shell: sockets, a port that goes and comes back, books on disk.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::{Fault, SimConfig, Spoil, start};
use super::*;

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("tilld-sim-tcp-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn sim(dir: &std::path::Path, port: u16, scenario: &str) -> SimConfig {
    SimConfig {
        listen: ([127, 0, 0, 1], port).into(),
        books: dir.join("books.jsonl"),
        statement: Some(dir.join("statement.csv")),
        host: config(scenario),
        clock: Arc::new(|| NOON),
    }
}

async fn read_reply(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 2];
    stream.read_exact(&mut bytes).await?;
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes.resize(length + 2, 0);
    stream.read_exact(&mut bytes[2..]).await?;
    Ok(bytes)
}

async fn ask(till: &Till, stream: &mut TcpStream, message: &Message) -> std::io::Result<Message> {
    stream.write_all(&till.wire(message)).await?;
    Ok(till.read(&read_reply(stream).await?))
}

async fn sign_on(till: &mut Till, stream: &mut TcpStream) {
    let message = till.sign_on_message();
    let answer = ask(till, stream, &message).await.unwrap();
    till.keys = WorkKeys::unwrap(answer.bytes(62).unwrap(), &Key::from_hex(MASTER).unwrap());
    till.batch = answer.text(60).unwrap()[2..8].parse().unwrap();
}

#[tokio::test]
async fn a_day_over_tcp_with_an_outage_and_a_restart() {
    let dir = folder("day");
    let handle = start(sim(&dir, 0, "")).await.unwrap();
    let (addr, control) = (handle.addr, handle.control.clone());
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut till = Till::default();
    sign_on(&mut till, &mut stream).await;
    let sale = till.sale(CUP, 100);
    // Bytes one by one, both ways.
    control.next_answer(Fault::Split);
    for byte in till.wire(&sale) {
        stream.write_all(&[byte]).await.unwrap();
    }
    let sold = till.read(&read_reply(&mut stream).await.unwrap());
    assert_eq!(sold.text(39), Some("00"));
    // What was answered is on disk.
    assert!(std::fs::read_to_string(dir.join("books.jsonl")).unwrap().contains(sold.text(37).unwrap()));
    // The line goes: this connection ends, and the port refuses.
    control.set_line(false);
    assert!(matches!(stream.read(&mut [0; 8]).await, Ok(0) | Err(_)));
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    control.set_line(true);
    let mut stream = reconnect(addr).await;
    let stored = till.offline(CUP, 50, "CUP");
    assert_eq!(ask(&till, &mut stream, &stored).await.unwrap().text(39), Some("00"));
    let judgement = handle.stop().await.unwrap();
    assert_eq!((judgement.payments, judgement.findings.len()), (2, 0));
    assert!(TcpStream::connect(addr).await.is_err());
    // Started again on the same port and books: keys, batch and totals are what they were.
    let handle = start(sim(&dir, addr.port(), "")).await.unwrap();
    let mut stream = TcpStream::connect(addr).await.unwrap();
    assert_eq!(ask(&till, &mut stream, &stored).await.unwrap().text(39), Some("00"));
    let settlement = till.settlement(&totals(&[(false, false, 100), (false, false, 50)]));
    let answer = ask(&till, &mut stream, &settlement).await.unwrap();
    assert_eq!(Totals::read(answer.text(48).unwrap()).unwrap().1, [1, 1]);
    let end = till.end("207", 0);
    ask(&till, &mut stream, &end).await.unwrap();
    assert_eq!(handle.judgement().repeats, 1);
    let statement = handle.statement();
    handle.stop().await.unwrap();
    assert_eq!(std::fs::read_to_string(dir.join("statement.csv")).unwrap(), statement);
    assert_eq!(statement.lines().count(), 3);
    std::fs::remove_dir_all(dir).unwrap();
}

async fn reconnect(addr: std::net::SocketAddr) -> TcpStream {
    loop {
        match TcpStream::connect(addr).await {
            Ok(stream) => return stream,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn late_lost_and_truncated_answers() {
    let dir = folder("faults");
    let handle = start(sim(&dir, 0, "")).await.unwrap();
    let mut stream = TcpStream::connect(handle.addr).await.unwrap();
    let mut till = Till::default();
    sign_on(&mut till, &mut stream).await;
    // A late answer does not hold up the next one.
    handle.control.next_answer(Fault::Delay(200));
    let (late, prompt) = (till.sale(CUP, 1), till.sale(CUP, 2));
    stream.write_all(&till.wire(&late)).await.unwrap();
    assert_eq!(ask(&till, &mut stream, &prompt).await.unwrap().text(4), Some("000000000002"));
    assert_eq!(till.read(&read_reply(&mut stream).await.unwrap()).text(4), Some("000000000001"));
    handle.control.next_answer(Fault::Spoil(Spoil::Truncate));
    let torn = till.sale(CUP, 3);
    assert!(ask(&till, &mut stream, &torn).await.is_err(), "half a frame, then the end");
    // The client goes while its answer waits: the host knows that it was not delivered.
    let mut stream = TcpStream::connect(handle.addr).await.unwrap();
    assert_eq!(ask(&till, &mut stream, &till.reversal(&torn, "98")).await.unwrap().text(39), Some("00"));
    handle.control.next_answer(Fault::Delay(30_000));
    let gone = till.sale(CUP, 4);
    stream.write_all(&till.wire(&gone)).await.unwrap();
    while handle.judgement().payments < 4 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while handle.judgement().owed.is_empty() {
        tokio::task::yield_now().await;
    }
    let judgement = handle.stop().await.unwrap();
    assert_eq!((judgement.findings.len(), judgement.reversed), (0, 1));
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn the_scenario_takes_the_line_down_by_its_windows() {
    let dir = folder("windows");
    let handle = start(sim(&dir, 0, "[[line_down]]\nfrom_ms = 0\nto_ms = 300")).await.unwrap();
    while TcpStream::connect(handle.addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    reconnect(handle.addr).await;
    handle.stop().await.unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}
