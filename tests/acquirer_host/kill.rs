//! The host killed with SIGKILL in the middle of its work: whatever it answered stands in its books when it starts again.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tilld::core::acquirer::iso8583::{Message, Mti, Spec};
use tilld::core::domain::WallMs;
use tilld::sim::acquirer::keys::{Key, WorkKeys};
use tilld::sim::acquirer::{HostConfig, SimConfig, start};

const MASTER: &str = "11111111111111112222222222222222";
const VARIABLE: &str = "TILLD_TEST_HOST_BOOKS";

fn config(books: &Path) -> SimConfig {
    let any_terminal = Some(Key::from_hex(MASTER).unwrap());
    SimConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        books: books.to_owned(),
        statement: None,
        host: HostConfig { any_terminal, ..HostConfig::default() },
        clock: Arc::new(|| WallMs(1_795_147_200_000)),
    }
}

/// Not a test by itself: this program, started again by the test below, is the host that is killed.
#[test]
fn host_to_be_killed() {
    let Some(books) = std::env::var_os(VARIABLE) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let handle = start(config(Path::new(&books))).await.unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\nlistening {}", handle.addr).unwrap();
        out.flush().unwrap();
        std::future::pending::<()>().await;
    });
}

fn spawn(books: &Path) -> (Child, String) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::host_to_be_killed", "--nocapture"])
        .env(VARIABLE, books)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let addr = lines.find_map(|line| line.unwrap().strip_prefix("listening ").map(str::to_owned));
    (child, addr.expect("the child says where it listens"))
}

fn send(stream: &mut TcpStream, spec: &Spec, message: &Message, keys: Option<&WorkKeys>) -> std::io::Result<()> {
    let mut body = spec.encode(message).unwrap();
    if let Some(keys) = keys {
        let from = body.len() - 8;
        let mac = keys.mak.mac(&body[..from]);
        body[from..].copy_from_slice(&mac);
    }
    let mut bytes = u16::try_from(body.len() + 11).unwrap().to_be_bytes().to_vec();
    bytes.extend([0x60, 0, 3, 0, 0, 0x60, 0x22, 0, 0, 0, 0]);
    bytes.extend(body);
    stream.write_all(&bytes)
}

fn receive(stream: &mut TcpStream, spec: &Spec) -> std::io::Result<Message> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut frame = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut frame)?;
    Ok(spec.decode(&frame[11..]).unwrap())
}

fn message(mti: u16, tid: &str, fields: &[(u8, &str)]) -> Message {
    let mut message = Message::new(Mti::new(mti).unwrap());
    message.set_text(41, tid).set_text(42, "123456789012345");
    for (field, text) in fields {
        message.set_text(*field, text);
    }
    message
}

fn sale(tid: &str, batch: &str, stan: u32) -> Message {
    let (stan, amount, field60) = (format!("{stan:06}"), format!("{stan:012}"), format!("22{batch}000"));
    let track = "6222021234567890128=30121010000012300";
    let fields =
        [(3, "000000"), (4, &amount), (11, &stan), (22, "022"), (25, "00"), (35, track), (49, "156"), (60, &field60)];
    let mut message = message(200, tid, &fields);
    message.set_bytes(64, &[0; 8]);
    message
}

/// Signs on and sells until the host is gone; gives the STANs that were answered.
fn sell(addr: &str, tid: &str, first: u32) -> Vec<u32> {
    let spec = Spec::unionpay_pos();
    let mut stream = TcpStream::connect(addr).unwrap();
    let fields = [(11, "000001"), (60, "00000001003"), (62, "Sequence No0800003202"), (63, "01 ")];
    send(&mut stream, &spec, &message(800, tid, &fields), None).unwrap();
    let answer = receive(&mut stream, &spec).unwrap();
    let keys = WorkKeys::unwrap(answer.bytes(62).unwrap(), &Key::from_hex(MASTER).unwrap()).unwrap();
    let batch = answer.text(60).unwrap()[2..8].to_owned();
    let mut answered = Vec::new();
    for stan in first.. {
        let asked = send(&mut stream, &spec, &sale(tid, &batch, stan), Some(&keys));
        let Ok(answer) = asked.and_then(|()| receive(&mut stream, &spec)) else { break };
        assert_eq!(answer.text(39), Some("00"));
        answered.push(stan);
    }
    answered
}

#[test]
fn what_a_killed_host_answered_stands_in_its_books() {
    let dir = std::env::temp_dir().join(format!("tilld-host-kill-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let books = dir.join("books.jsonl");
    let mut answered = BTreeSet::new();
    for round in 0..3u32 {
        let (mut child, addr) = spawn(&books);
        let tills: Vec<_> = ["10000001", "10000002", "10000003"]
            .map(|tid| {
                let addr = addr.clone();
                std::thread::spawn(move || (tid, sell(&addr, tid, 2 + round * 100_000)))
            })
            .into();
        // Long enough for many syncs; the moment itself does not matter.
        let size = || std::fs::metadata(&books).map_or(0, |meta| meta.len());
        let goal = size() + 40_000;
        while size() < goal {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for till in tills {
            let (tid, stans) = till.join().unwrap();
            answered.extend(stans.into_iter().map(|stan| (tid, stan)));
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let judgement = runtime.block_on(async {
        let handle = start(config(&books)).await.unwrap();
        let known: BTreeSet<(String, u32)> =
            handle.control.look(|host| host.books().payments.iter().map(|p| (p.key.tid.clone(), p.key.stan)).collect());
        for (tid, stan) in &answered {
            assert!(known.contains(&((*tid).to_owned(), *stan)), "{tid} {stan} was answered and is not in the books");
        }
        handle.stop().await.unwrap()
    });
    assert!(answered.len() > 30, "{} answers", answered.len());
    assert!(judgement.findings.is_empty(), "{:#?}", judgement.findings);
    std::fs::remove_dir_all(dir).unwrap();
}
