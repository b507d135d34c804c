//! The ways in for a statement: an upload, and a watched folder. A store that has never sold anything: whatever a statement has is long.

use std::io::Read;
use std::path::{Path, PathBuf};

use tilld::core::domain::{CaseNo, Lang, Refusal, WallMs};
use tilld::core::ports::{CaseFilter, Desk, StatementUpload, StatementView};
use tilld::daemon::config::Config;
use tilld::daemon::reconciling::watch::Watch;
use tilld::daemon::start::{Running, Wires};

const HEAD: &str = "terminal,batch,stan,rrn,kind,amount,status,settle_date\n";

struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ways-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Dir(path)
    }

    fn config(&self) -> Config {
        let text = r#"
[store]
id = "S001"
name = "望京店"
timezone = "Asia/Shanghai"
currency = "CNY"
day_cut = "manual"
[data]
dir = "data"
[api]
socket = "s"
[acquirer]
profile = "unionpay-pos"
endpoint = "tcp://127.0.0.1:1"
tpdu = "6000030000"
header = "602200000000"
[statements]
max_mb = 1
[[terminal]]
id = "POS1"
tid = "10000001"
mid = "123456789012345"
master_key_file = "POS1.tmk"
"#;
        Config::parse(text, &self.0.join("tilld.toml")).unwrap().0
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn row(stan: u32) -> String {
    format!("10000001,000001,{stan:06},,sale,500,approved,1120\n")
}

fn upload(till: &dyn Desk, body: &mut dyn Read) -> Result<StatementView, Refusal> {
    upload_as(till, None, body)
}

fn upload_as(till: &dyn Desk, format: Option<&str>, body: &mut dyn Read) -> Result<StatementView, Refusal> {
    till.take_statement(StatementUpload { name: "up.csv", format, body }).map_err(|r| r.refusal)
}

/// The API's work runs off the async threads; so does this.
fn with_a_till(dir: &Dir, test: impl FnOnce(&tilld::daemon::till::Till) + Send) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let running = runtime.block_on(async { Running::start(&dir.config(), Wires::None).unwrap() });
    test(&running.till);
    runtime.block_on(running.stop());
}

#[test]
fn an_upload_is_taken_once_and_only_whole() {
    let dir = Dir::new("upload");
    with_a_till(&dir, |till| {
        let text = format!("{HEAD}{}{}10000001,x\n", row(1), row(2));
        let first = upload(till, &mut text.as_bytes()).unwrap();
        let cases = first.cases.unwrap();
        assert_eq!((first.counts["long"], cases.opened, cases.new), (2, vec![1, 2], true));
        assert_eq!((first.spoiled.count, first.spoiled.lines[0].line), (1, 4));
        assert_eq!((first.long[0].case, first.long[0].formula.as_str()), (Some(1), "theirs 500 - ours 0 = 500"));
        let again = upload(till, &mut text.as_bytes()).unwrap();
        assert_eq!((again.statement.new, again.cases.unwrap().opened), (Some(false), vec![]));
        // Of the same day, with a row less: it supersedes, and that row's case has no difference any more.
        let later = format!("{HEAD}{}", row(1));
        let later = upload(till, &mut later.as_bytes()).unwrap();
        assert_eq!((later.supersedes.len(), later.cases.unwrap().agreed), (1, vec![2]));
        assert_eq!(till.cases(&CaseFilter::default()).unwrap().items.len(), 2);
        assert!(till.case(CaseNo(2)).unwrap().case.agreed.is_some());
        assert_eq!(upload(till, &mut "no statement\n".as_bytes()).unwrap_err(), Refusal::NotAStatement);
        assert_eq!(upload(till, &mut HEAD.as_bytes()).unwrap_err(), Refusal::NotAStatement);
        // One byte above a mebibyte.
        let large = format!("{HEAD}{}", "x".repeat(1024 * 1024));
        assert_eq!(upload(till, &mut large.as_bytes()).unwrap_err(), Refusal::TooLarge);
        // A line that breaks: nothing of what came before is used.
        let whole = format!("{HEAD}{}", row(9));
        let mut broken = whole.as_bytes().chain(Broken);
        assert_eq!(upload(till, &mut broken).unwrap_err(), Refusal::BadRequest);
        assert_eq!(till.statements(None, 10).unwrap().items.len(), 2);
        let left = std::fs::read_dir(dir.0.join("data/incoming")).unwrap().count();
        assert_eq!(left, 0, "no upload is left behind");
    });
}

/// A format of the store's own is for who sits at its machine: whoever sends a statement names one that is shipped.
#[test]
fn an_upload_opens_no_file_of_the_machine() {
    let dir = Dir::new("formats");
    with_a_till(&dir, |till| {
        let text = format!("{HEAD}{}", row(1));
        let mut body = text.as_bytes();
        let own = dir.0.join("own.toml");
        std::fs::write(&own, include_str!("../../src/core/reconcile/formats/tilld-acquirer.toml")).unwrap();
        for name in [own.to_str().unwrap(), "/nonexistent/x.toml", "own.toml", "", "tilld-acquirer.toml", "no-bank"] {
            assert_eq!(upload_as(till, Some(name), &mut body).unwrap_err(), Refusal::BadRequest, "{name}");
        }
        assert_eq!(body.len(), text.len(), "nothing was read");
        assert_eq!(upload_as(till, Some("tilld-acquirer"), &mut body).unwrap().counts["long"], 1);
    });
}

/// Of those who send one at the same time two are heard: the folder holds no more than two statements.
#[test]
fn two_uploads_lie_in_the_folder_at_once() {
    let dir = Dir::new("crowd");
    with_a_till(&dir, |till| {
        let (release, held) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let mut hold = Held(Some(held), None);
            let outer = scope.spawn(move || upload(till, &mut hold));
            let (release_too, held_too) = std::sync::mpsc::channel::<()>();
            let mut hold = Held(Some(held_too), None);
            let inner = scope.spawn(move || upload(till, &mut hold));
            let lying = || std::fs::read_dir(dir.0.join("data/incoming")).map_or(0, Iterator::count);
            let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
            while lying() < 2 && std::time::Instant::now() < until {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            let text = format!("{HEAD}{}", row(1));
            assert_eq!(upload(till, &mut text.as_bytes()).unwrap_err(), Refusal::Busy);
            assert_eq!(lying(), 2);
            drop((release, release_too));
            assert!(outer.join().unwrap().is_ok() && inner.join().unwrap().is_ok());
            assert!(upload(till, &mut text.as_bytes()).is_ok());
            assert_eq!(lying(), 0);
        });
    });
}

/// A statement of one row that comes only when it is let go.
struct Held(Option<std::sync::mpsc::Receiver<()>>, Option<std::io::Cursor<String>>);

impl Read for Held {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if let Some(held) = self.0.take() {
            let _ = held.recv();
            self.1 = Some(std::io::Cursor::new(format!("{HEAD}{}", row(1))));
        }
        self.1.as_mut().unwrap().read(into)
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the line broke"))
    }
}

#[test]
fn too_many_differences_are_another_stores_statement_and_change_nothing() {
    let dir = Dir::new("many");
    with_a_till(&dir, |till| {
        let text = format!("{HEAD}{}", (1..=2_001).map(row).collect::<String>());
        assert_eq!(upload(till, &mut text.as_bytes()).unwrap_err(), Refusal::TooManyDifferences);
        assert_eq!(till.statements(None, 10).unwrap().items.len(), 0);
        assert_eq!(till.cases(&CaseFilter::default()).unwrap().items.len(), 0);
    });
}

#[test]
fn orders_that_are_named_as_another_ones_second_row_would_be_stop_nothing() {
    let dir = Dir::new("names");
    with_a_till(&dir, |till| {
        let head = "交易时间,公众账号ID,商户号,商户订单号,微信退款单号,商户退款单号,交易状态,订单金额,申请退款金额,退款状态,手续费";
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let day = chrono::DateTime::from_timestamp(now as i64, 0).unwrap().date_naive();
        let row = |order: &str, n: u32| format!("`{day} 10:00:0{n},`wx,`m,`{order},`,`,`SUCCESS,`1.00,`0.00,`,`0.00\n");
        let rows: String = ["X", "X", "X#2", "X"].iter().zip(0..).map(|(order, n)| row(order, n)).collect();
        let text = format!("{head}\n{rows}总交易单数,x\n`1,`0\n");
        let view = upload(till, &mut text.as_bytes()).unwrap();
        assert_eq!((view.counts["long"], view.cases.unwrap().opened), (4, vec![1, 2, 3, 4]));
        // A row less: what is gone is one of them.
        let text = format!("{head}\n{}{}{}总交易单数,x\n`1,`0\n", row("X", 0), row("X", 1), row("X#2", 2));
        let view = upload(till, &mut text.as_bytes()).unwrap();
        assert_eq!(view.cases.unwrap().agreed.len(), 1);
    });
}

#[test]
fn the_watched_folder_takes_what_stands_still_and_sets_aside_what_is_no_statement() {
    let dir = Dir::new("watch");
    with_a_till(&dir, |till| {
        let folder = dir.0.join("statements");
        let mut watch = Watch::new(&folder, Lang::En).unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        put("a.csv", &format!("{HEAD}{}", row(1)));
        put("b.csv.part", &format!("{HEAD}{}", row(2)));
        put("c.csv", "no statement\n");
        let mut look = || watch.look(&till.intake, WallMs(1_795_000_000_000));
        assert_eq!(look(), 0, "nothing is taken at first sight");
        // Still being written: it is other than at the last look.
        put("a.csv", &format!("{HEAD}{}{}zz,1\n", row(1), row(3)));
        assert_eq!(look(), 1, "the one that is no statement has stood still");
        assert_eq!(look(), 1);
        assert_eq!(look(), 0);
        let has = |path: &str| folder.join(path).exists();
        assert!(has("done/a.csv") && !has("a.csv") && has("b.csv.part"));
        assert!(has("quarantine/c.csv"));
        let why = std::fs::read_to_string(folder.join("quarantine/c.csv.why.txt")).unwrap();
        assert!(why.starts_with("The statement cannot be used: is no statement of a known format"), "{why}");
        let lines = std::fs::read_to_string(folder.join("quarantine/a.csv.lines.txt")).unwrap();
        assert!(lines.starts_with("4\t"), "{lines}");
        assert_eq!(till.cases(&CaseFilter::default()).unwrap().items.len(), 2);
        // The same file once more, under the same name: known, and nothing is written over.
        std::fs::copy(folder.join("done/a.csv"), folder.join("a.csv")).unwrap();
        assert_eq!((look(), look()), (0, 1));
        assert!(has("done/a.csv.2"));
        assert_eq!(till.statements(None, 10).unwrap().items.len(), 1);
    });
}
