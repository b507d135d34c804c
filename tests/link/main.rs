//! The line to the acquirer over TLS: whom it believes, and whom it does not. The certificates are made by the openssl command line and the
//! other side is its `s_server`: both strangers to our own TLS. Skipped, and said so, where there is no openssl.
#![allow(clippy::unwrap_used, clippy::panic)]

mod shared;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tilld::io::link::{Address, Link, Tls};

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("tilld-link-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn openssl(&self, words: &str) {
        let done = Command::new("openssl").args(words.split(' ')).current_dir(&self.0).output().unwrap();
        assert!(done.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// An authority of its own.
    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name} -addext keyUsage=critical,keyCertSign"
        ));
    }

    /// A certificate that an authority signs, for a name, good for so many days from now (0: for a month of 2020).
    fn signed(&self, file: &str, name: &str, authority: &str, days: u32) {
        self.openssl(&format!("req -newkey rsa:2048 -nodes -keyout {file}.key -out {file}.csr -subj /CN={file}"));
        let usage = "extendedKeyUsage=serverAuth,clientAuth";
        std::fs::write(self.at("ext"), format!("subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n{usage}\n"))
            .unwrap();
        if days > 0 {
            return self.openssl(&format!(
                "x509 -req -in {file}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -extfile ext -days {days} -out {file}.pem"
            ));
        }
        // Only `ca` lets one choose the dates in every version.
        std::fs::write(self.at("index.txt"), "").unwrap();
        let rules = "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n";
        std::fs::write(self.at("ca.cnf"), rules).unwrap();
        self.openssl(&format!(
            "ca -batch -notext -config ca.cnf -cert {authority}.pem -keyfile {authority}.key -in {file}.csr -out {file}.pem -extfile ext -startdate 20200101000000Z -enddate 20200201000000Z"
        ));
    }
}

/// Echoes nothing, but says what it was sent: `openssl s_server`.
struct Server(Child, u16);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    fn start(folder: &Path, certificate: &str, more: &[&str]) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", &format!("127.0.0.1:{port}")])
            .args(["-cert", &format!("{certificate}.pem"), "-key", &format!("{certificate}.key"), "-rev"])
            .args(more)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("ACCEPT") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "the server did not start");
        }
        // Whatever else it says must not block it.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Server(child, port)
    }
}

/// One line to the server and back: `-rev` answers it reversed.
async fn talk(port: u16, tls: Tls) -> std::io::Result<String> {
    let address = Address { host: "127.0.0.1".into(), port, tls: Some(tls) };
    let work = async {
        let mut link = Link::connect(&address).await?;
        link.write(b"0200\n").await?;
        let mut buffer = [0; 64];
        let read = link.read(&mut buffer).await?;
        Ok(String::from_utf8_lossy(&buffer[..read]).trim().to_owned())
    };
    tokio::time::timeout(Duration::from_secs(10), work).await.unwrap()
}

fn have_openssl() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok_and(|o| o.status.success());
    if !there {
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no openssl here, TLS is not tested");
    }
    there
}

#[tokio::test]
async fn only_the_pinned_authority_the_right_name_and_the_right_time_are_believed() {
    if !have_openssl() {
        return;
    }
    let folder = Folder::new("server");
    folder.authority("ca");
    folder.authority("other");
    folder.signed("good", "pos.acquirer.example", "ca", 30);
    folder.signed("expired", "pos.acquirer.example", "ca", 0);
    folder.signed("stranger", "pos.acquirer.example", "other", 30);
    folder.openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 30 -subj /CN=own -addext subjectAltName=DNS:pos.acquirer.example",
    );
    let tls = |name: &str| Tls::load(&folder.at("ca.pem"), name, None).unwrap();
    for (certificate, name, why) in [
        ("good", "pos.acquirer.example", None),
        ("good", "other.example", Some("NotValidForName")),
        ("good", "127.0.0.1", Some("NotValidForName")),
        ("expired", "pos.acquirer.example", Some("Expired")),
        ("stranger", "pos.acquirer.example", Some("UnknownIssuer")),
        ("own", "pos.acquirer.example", Some("invalid peer certificate")),
    ] {
        let server = Server::start(&folder.0, certificate, &[]);
        let result = talk(server.1, tls(name)).await;
        match (why, result) {
            (None, result) => assert_eq!(result.unwrap(), "0020", "{certificate} {name}"),
            (Some(why), Ok(said)) => panic!("{certificate} {name}: believed, wanted {why}: {said}"),
            (Some(why), Err(error)) => {
                let (text, debug) = (error.to_string(), format!("{error:?}"));
                assert!(text.contains(why) || debug.contains(why), "{certificate} {name}: {debug}");
            }
        }
    }
}

#[tokio::test]
async fn an_acquirer_that_asks_who_calls_is_told() {
    if !have_openssl() {
        return;
    }
    let folder = Folder::new("client");
    folder.authority("ca");
    folder.authority("other");
    folder.signed("server", "pos.acquirer.example", "ca", 30);
    folder.signed("store", "store.example", "ca", 30);
    folder.signed("stranger", "store.example", "other", 30);
    for (client, taken) in [(Some("store"), true), (None, false), (Some("stranger"), false)] {
        let server = Server::start(&folder.0, "server", &["-Verify", "2", "-verify_return_error", "-CAfile", "ca.pem"]);
        let files = client.map(|name| (folder.at(&format!("{name}.pem")), folder.at(&format!("{name}.key"))));
        let files = files.as_ref().map(|(chain, key)| (chain.as_path(), key.as_path()));
        let tls = Tls::load(&folder.at("ca.pem"), "pos.acquirer.example", files).unwrap();
        let said = talk(server.1, tls).await;
        assert_eq!(said.as_ref().is_ok_and(|said| said == "0020"), taken, "{client:?}: {said:?}");
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    if !have_openssl() {
        return;
    }
    let folder = Folder::new("files");
    folder.authority("ca");
    folder.authority("store");
    std::fs::write(folder.at("empty.pem"), "nothing\n").unwrap();
    let (ca, empty, gone) = (folder.at("ca.pem"), folder.at("empty.pem"), folder.at("gone.pem"));
    let (chain, wrong_key) = (folder.at("store.pem"), folder.at("ca.key"));
    let name = "pos.acquirer.example";
    for (result, named) in [
        (Tls::load(&gone, name, None), "gone.pem"),
        (Tls::load(&empty, name, None), "empty.pem"),
        (Tls::load(&ca, name, Some((&chain, &gone))), "gone.pem"),
        (Tls::load(&ca, name, Some((&chain, &wrong_key))), "store.pem"),
        (Tls::load(&ca, "a b", None), "a b"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
