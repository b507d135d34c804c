//! A house with a door, and hand-written HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tilld::core::domain::Lang;
use tilld::io::http::{ApiOptions, Door};

use crate::desk::Fake;

/// An API on a socket and on loopback, in a folder of its own.
pub struct House {
    pub desk: Arc<Fake>,
    pub folder: PathBuf,
    pub socket: PathBuf,
    pub tcp: SocketAddr,
    pub token: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// A refusal with its code, checked for the form that every refusal has.
    #[track_caller]
    pub fn refusal(&self) -> String {
        let problem = self.json();
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        assert_eq!(problem["status"], self.status, "{problem}");
        assert!(problem["detail_zh"].as_str().unwrap().chars().any(|c| c >= '\u{4e00}'), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        let place = |at: usize| detail[at + 1..].starts_with(|c: char| c.is_ascii_lowercase());
        assert!(!detail.match_indices('{').any(|(at, _)| place(at)), "a fact is missing: {problem}");
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:tilld:problem:{code}"));
        code.to_owned()
    }

    #[track_caller]
    pub fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.refusal().as_str()), (status, code), "{}", self.json());
    }

    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

pub fn folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tilld-api-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

impl House {
    pub fn open() -> House {
        let folder = folder();
        let socket = folder.join("run/tilld.sock");
        let options = ApiOptions {
            socket: Some(socket.clone()),
            listen: Some("127.0.0.1:0".parse().unwrap()),
            token_file: Some(folder.join("token")),
            timeout_ms: 60_000,
            lang: Lang::Zh,
        };
        let desk = Arc::new(Fake::default());
        let (bound, address) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = desk.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let door = Door::bind(&options).unwrap();
                bound.send(door.tcp_address().unwrap()).unwrap();
                door.serve(served, async {
                    let _ = stopped.await;
                })
                .await;
            });
            runtime.shutdown_timeout(Duration::from_secs(1));
        });
        let tcp = address.recv().unwrap();
        let token = std::fs::read_to_string(folder.join("token")).unwrap().trim().to_owned();
        House { desk, folder, socket, tcp, token, stop: Some(stop), thread: Some(thread) }
    }

    pub fn close(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Bytes to the socket, the answer back.
    pub fn raw(&self, request: &str) -> Answer {
        exchange(UnixStream::connect(&self.socket).unwrap(), request)
    }

    /// Bytes to loopback, the answer back.
    pub fn raw_tcp(&self, request: &str) -> Answer {
        exchange(TcpStream::connect(self.tcp).unwrap(), request)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    pub fn post(&self, path: &str, body: impl ToString) -> Answer {
        let body = body.to_string();
        let n = body.len();
        self.raw(&format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {n}\r\n\r\n{body}"
        ))
    }

    /// A request on loopback with these header lines in place of the usual ones.
    pub fn tcp(&self, line: &str, headers: &[String]) -> Answer {
        let headers: String = headers.iter().map(|h| format!("{h}\r\n")).collect();
        self.raw_tcp(&format!("{line} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n"))
    }

    pub fn host(&self) -> String {
        format!("Host: {}", self.tcp)
    }

    pub fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.close();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn exchange(mut stream: impl Read + Write, request: &str) -> Answer {
    // The server may answer and close before it has taken all of a body that is too large.
    let _ = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let mut chunk = [0u8; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
        }
    }
    let split = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer: {bytes:?}"));
    let head = String::from_utf8(bytes[..split].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[split + 4..].to_vec() }
}
