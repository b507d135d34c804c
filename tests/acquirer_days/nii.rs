//! A second dialect by profile alone: a day through a host of the Hypercom/NII style, settled.

use std::collections::BTreeMap;

use tilld::core::acquirer::iso8583::Deframer;
use tilld::core::domain::{Kind, Minor, Refusal, State, WallMs};
use tilld::sim::nii::NiiHost;

use crate::rig::{ABROAD, Bank, HOME, Shop, code, stripe};

#[derive(Default)]
pub struct Nii {
    pub host: NiiHost,
    sessions: BTreeMap<(String, u64), Deframer>,
}

impl Nii {
    pub fn new(host: NiiHost) -> Nii {
        Nii { host, sessions: BTreeMap::new() }
    }
}

impl Bank for Nii {
    fn bytes(&mut self, _: WallMs, connection: (&str, u64), bytes: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let key = (connection.0.to_owned(), connection.1);
        let session = self.sessions.entry(key).or_insert_with(|| self.host.session());
        self.host.bytes(session, bytes).into_iter().map(|answer| (0, Some(answer))).collect()
    }

    fn findings(&self) -> Vec<String> {
        self.host.findings.clone()
    }
}

/// Sales, a void, a refund, a declined one, one stored offline, one whose answer was lost.
fn a_day() -> Shop<Nii> {
    let mut shop = Shop::open("nii-pos", Nii::default(), 1);
    shop.bank.host.decline.push((51, "51".into()));
    let sold = shop.sale("a", 1, 1_000, stripe(HOME));
    let voided = shop.sale("b", 1, 2_000, stripe(ABROAD));
    assert_eq!(shop.refer("v", Kind::Void, &voided, 2_000).unwrap().state, State::Approved);
    assert_eq!(shop.refer("r", Kind::Refund, &sold, 300).unwrap().state, State::Approved);
    assert_eq!(shop.sale("d", 1, 1_051, stripe(HOME)).state, State::Declined);
    shop.bank.host.lose_answers = 1;
    let lost = shop.sale("l", 1, 700, stripe(HOME));
    assert_eq!(lost.state, State::Unknown);
    shop.pass(10_000);
    assert_eq!(shop.state(&lost), State::Reversed);
    shop.set_line(false);
    shop.pass(2_000);
    let stored = shop.sale("o", 1, 400, stripe(HOME));
    shop.set_line(true);
    shop.pass(60_000);
    assert_eq!(shop.state(&stored), State::Forwarded);
    let mut scan = shop.asks("q", 1, Kind::Sale, 100);
    (scan.method, scan.presented) = (tilld::core::domain::Method::Qr, Some(code("134567890123456789")));
    assert_eq!(shop.pay(scan).unwrap_err().refusal, Refusal::NotSupported);
    shop.check();
    shop
}

#[test]
fn a_balanced_day_is_ended_by_its_verdict() {
    let mut shop = a_day();
    shop.cut();
    shop.pass(30_000);
    shop.check();
    assert_eq!(shop.bank.host.ended, [("10000001".to_owned(), 1, None)]);
    assert_eq!(shop.bank.host.net("10000001", 1), [(2, 1_400), (1, 300)]);
    let batch = shop.ledger().ended.values().next().unwrap().clone();
    let asked = batch.asked.unwrap().1.domestic;
    assert_eq!((asked.debit, asked.debit_count, asked.credit, asked.credit_count), (Minor(1_400), 2, Minor(300), 1));
    assert_eq!(batch.result(), "balanced");
    let next = shop.sale("n", 1, 900, stripe(HOME));
    assert_eq!(next.batch.unwrap().0, 2);
    shop.check();
}

#[test]
fn a_disputed_day_sends_each_record_and_a_second_0500() {
    let mut shop = a_day();
    shop.bank.host.dispute = true;
    shop.cut();
    shop.pass(60_000);
    shop.check();
    // 95, then the sale, the refund and the stored sale; neither the voided one nor its void.
    assert_eq!(shop.bank.host.ended, [("10000001".to_owned(), 1, Some(3))]);
    let batch = shop.ledger().ended.values().next().unwrap().clone();
    assert_eq!((batch.result(), batch.records), ("unbalanced", 3));
}

#[test]
fn a_disputed_day_survives_a_crash_and_a_lost_answer_at_every_step() {
    for step in 0..12 {
        let mut shop = a_day();
        shop.bank.host.dispute = true;
        shop.cut();
        shop.pass(50 * step + 25);
        shop.bank.host.lose_answers = 1;
        shop.pass(60);
        shop.crash();
        shop.pass(90_000);
        shop.check();
        assert_eq!(shop.bank.host.ended, [("10000001".to_owned(), 1, Some(3))], "step {step}");
    }
}

/// The host on a port, told to stop in the middle and started again: it stands where it stood.
#[tokio::test]
async fn the_host_on_a_port_goes_on_with_its_books() {
    use tilld::core::acquirer::iso8583::{Frame, Message, Spec, bcd};
    use tilld::sim::nii::{NiiArgs, start};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let dir = std::env::temp_dir().join(format!("tilld-nii-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let args = NiiArgs {
        listen: "127.0.0.1:0".parse().unwrap(),
        books: dir.join("books.txt"),
        statement: Some(dir.join("statement.csv")),
        scenario: "[[decline]]\namount_ends = 51\ncode = \"51\"".to_owned(),
        utc_offset_s: 28_800,
        // Noon of the 28th in Beijing.
        clock: std::sync::Arc::new(|| tilld::core::domain::WallMs(1_795_838_400_000)),
    };
    let spec: Spec = tilld::core::acquirer::Profile::builtin("nii-pos").unwrap().spec;
    let ask = |addr: std::net::SocketAddr, mti: &str, fields: &[(u8, &str)]| {
        let mut message = Message::new(mti.to_owned().try_into().unwrap());
        for (field, text) in [(24, "003"), (41, "10000001")].iter().chain(fields) {
            message.set_text(*field, text);
        }
        let body = spec.encode(&message).unwrap();
        let wire = Frame { tpdu: bcd::unhex("6000030000").unwrap(), header: vec![], body }.to_bytes().unwrap();
        let spec = spec.clone();
        async move {
            let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
            // Split anywhere.
            for half in wire.chunks(wire.len() / 2 + 1) {
                stream.write_all(half).await.unwrap();
            }
            let mut answer = vec![0; usize::from(stream.read_u16().await.unwrap())];
            stream.read_exact(&mut answer).await.unwrap();
            let answer = spec.decode(&answer[5..]).unwrap();
            assert_eq!((answer.text(12).unwrap(), answer.text(13).unwrap()), ("120000", "1128"));
            answer.text(39).unwrap().to_owned()
        }
    };
    let sale =
        [(3, "000000"), (4, "000000001000"), (11, "000002"), (22, "021"), (25, "00"), (35, "4111111111111111=3012")];
    let host = start(args.clone()).await.unwrap();
    assert_eq!(ask(host.addr, "0800", &[(3, "920000"), (11, "000001")]).await, "00");
    assert_eq!(ask(host.addr, "0200", &sale).await, "00");
    assert_eq!(
        ask(host.addr, "0200", &[&sale[..1], &[(4, "000000001051"), (11, "000003")], &sale[3..]].concat()).await,
        "51"
    );
    let before = host.stop().await.unwrap();
    // Torn in the middle of a line: that message was never answered.
    let mut books = std::fs::OpenOptions::new().append(true).open(&args.books).unwrap();
    std::io::Write::write_all(&mut books, b"02007").unwrap();
    let host = start(args.clone()).await.unwrap();
    assert_eq!(host.judgement(), before);
    let settle = [
        (3, "920000"),
        (11, "000004"),
        (42, "123456789012345"),
        (60, "000001"),
        (63, "001000000001000000000000000000"),
    ];
    assert_eq!(ask(host.addr, "0500", &settle).await, "00");
    let judged = host.stop().await.unwrap();
    assert_eq!((judged.payments, judged.duplicates, judged.findings), (1, 0, vec![]));
    assert!(judged.settlements[0].balanced);
    let statement = std::fs::read_to_string(args.statement.unwrap()).unwrap();
    assert_eq!(statement.lines().nth(1), Some("10000001,000001,000002,000000700000,sale,1000,approved"));
    std::fs::remove_dir_all(&dir).unwrap();
}
