//! One connection for all terminals: whole frames out, and every answer to the terminal that it names.

use std::sync::Arc;
use std::time::Duration;

use tilld::core::acquirer::Profile;
use tilld::core::acquirer::iso8583::{Deframer, Frame, Message, Mti, Spec};
use tilld::daemon::shared::Shared;
use tilld::io::link::{Address, Link};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

fn frame(mti: u16, tid: Option<&str>, stan: &str) -> Vec<u8> {
    let mut message = Message::new(Mti::new(mti).unwrap());
    message.set_text(11, stan);
    if let Some(tid) = tid {
        message.set_text(41, tid);
    }
    let body = Spec::unionpay_pos().encode(&message).unwrap();
    Frame { tpdu: vec![0x60, 0, 3, 0, 0], header: vec![0x60, 0x22, 0, 0, 0, 0], body }.to_bytes().unwrap()
}

/// STANs of the frames that come, in their order.
async fn stans(mut read: impl AsyncFnMut(&mut [u8]) -> usize, count: usize) -> Vec<String> {
    let profile = Profile::builtin("unionpay-pos").unwrap();
    let (mut deframer, mut buffer, mut found) = (Deframer::new(profile.frame), [0; 512], Vec::new());
    while found.len() < count {
        let n = read(&mut buffer).await;
        assert!(n > 0, "the connection went");
        deframer.push(&buffer[..n]);
        while let Some(frame) = deframer.next_frame().unwrap() {
            found.push(profile.spec.decode(&frame.body).unwrap().text(11).unwrap().to_owned());
        }
    }
    found
}

async fn heard(link: &mut Link, count: usize) -> Vec<String> {
    stans(async |buffer| link.read(buffer).await.unwrap(), count).await
}

async fn arrived(acquirer: &mut TcpStream, count: usize) -> Vec<String> {
    stans(async |buffer| acquirer.read(buffer).await.unwrap(), count).await
}

#[tokio::test]
async fn two_terminals_share_one_connection_and_each_hears_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port(), tls: None };
    let (_stop, stopped) = watch::channel(false);
    let profile = Arc::new(Profile::builtin("unionpay-pos").unwrap());
    let shared = Shared::start(address, profile, 2_000, 60_000, stopped);
    let (mut first, mut second) =
        (shared.connect("10000001").await.unwrap(), shared.connect("10000002").await.unwrap());
    let (mut acquirer, _) = listener.accept().await.unwrap();

    // Bytes of both, in pieces that lie in each other: whole frames arrive.
    let (one, two) = (frame(200, Some("10000001"), "000001"), frame(200, Some("10000002"), "000002"));
    first.write(&one[..20]).await.unwrap();
    second.write(&two).await.unwrap();
    assert_eq!(arrived(&mut acquirer, 1).await, ["000002"]);
    first.write(&one[20..]).await.unwrap();
    assert_eq!(arrived(&mut acquirer, 1).await, ["000001"]);

    // Answers in the other order, one that names nobody and one that names a stranger between them, and cut in the middle of a frame.
    let answers = [
        frame(210, Some("10000002"), "000002"),
        frame(210, None, "000001"),
        frame(210, Some("99999999"), "000001"),
        frame(210, Some("10000001"), "000001"),
    ]
    .concat();
    acquirer.write_all(&answers[..60]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    acquirer.write_all(&answers[60..]).await.unwrap();
    assert_eq!(heard(&mut first, 1).await, ["000001"]);
    assert_eq!(heard(&mut second, 1).await, ["000002"]);

    // It goes for both at once; the next who wants one makes a new one.
    drop(acquirer);
    let mut buffer = [0; 16];
    assert_eq!((first.read(&mut buffer).await.unwrap(), second.read(&mut buffer).await.unwrap()), (0, 0));
    let mut again = shared.connect("10000001").await.unwrap();
    let (mut acquirer, _) = listener.accept().await.unwrap();
    again.write(&one).await.unwrap();
    assert_eq!(arrived(&mut acquirer, 1).await, ["000001"]);
}

#[tokio::test]
async fn where_nobody_listens_every_terminal_is_told() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (_stop, stopped) = watch::channel(false);
    let profile = Arc::new(Profile::builtin("unionpay-pos").unwrap());
    let shared = Shared::start(Address { host: "127.0.0.1".into(), port, tls: None }, profile, 2_000, 60_000, stopped);
    assert!(shared.connect("10000001").await.is_err() && shared.connect("10000002").await.is_err());
}

/// A router has forgotten the connection and says nothing of it: the first terminal that gives up gets a new one for all of them.
#[tokio::test]
async fn a_connection_on_which_nobody_is_answered_is_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port(), tls: None };
    let (_stop, stopped) = watch::channel(false);
    let profile = Arc::new(Profile::builtin("unionpay-pos").unwrap());
    let shared = Shared::start(address, profile, 2_000, 300, stopped);
    let (mut first, mut second) =
        (shared.connect("10000001").await.unwrap(), shared.connect("10000002").await.unwrap());
    let (mut silent, _) = listener.accept().await.unwrap();

    // The second terminal is answered: that the first one is not is no fault of the connection.
    first.write(&frame(200, Some("10000001"), "000001")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(350)).await;
    second.write(&frame(200, Some("10000002"), "000002")).await.unwrap();
    assert_eq!(arrived(&mut silent, 2).await, ["000001", "000002"]);
    silent.write_all(&frame(210, Some("10000002"), "000002")).await.unwrap();
    assert_eq!(heard(&mut second, 1).await, ["000002"]);
    drop(first);
    let mut first = shared.connect("10000001").await.unwrap();
    first.write(&frame(200, Some("10000001"), "000003")).await.unwrap();
    assert_eq!(arrived(&mut silent, 1).await, ["000003"], "the same connection");

    // Nothing comes any more: when the first terminal gives up, the connection goes for the second too.
    tokio::time::sleep(Duration::from_millis(350)).await;
    drop(first);
    let gone = tokio::time::timeout(Duration::from_secs(5), second.read(&mut [0; 16])).await;
    assert_eq!(gone.expect("the dead connection is kept").unwrap(), 0);
    let mut again = shared.connect("10000001").await.unwrap();
    let (mut acquirer, _) = listener.accept().await.unwrap();
    again.write(&frame(200, Some("10000001"), "000004")).await.unwrap();
    assert_eq!(arrived(&mut acquirer, 1).await, ["000004"]);
    acquirer.write_all(&frame(210, Some("10000001"), "000004")).await.unwrap();
    assert_eq!(heard(&mut again, 1).await, ["000004"]);
}
