//! What a durable sale costs: one client beside the disk's own overwrite; sixty-four at once on a disk whose flush takes 20 ms.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tilld::core::acquirer::{Order, Report};
use tilld::core::domain::{Method, MonoMs, Now, Refusal, Role, TerminalId, WallMs};
use tilld::core::ports::{Command, Committed, Output, Ticket};
use tilld::daemon::ballast::Room;
use tilld::daemon::config::Config;
use tilld::daemon::inbox::{Inbox, TillWriter};
use tilld::daemon::writing::{Outlets, write_on};
use tilld::io::clock::Clock;
use tilld::io::store::StoreOptions;
use tokio::sync::mpsc;

use crate::disk::{Disk, Image};
use crate::figure::{Figure, median};
use crate::{shop, vfs};

/// Sales of a block; blocks of sales and of raw writes take turns, so that a disk that changes its mind changes it for both.
const BLOCK: u64 = 100;
const BLOCKS: u64 = 100;

/// Cash ≤ 1.05 syncs and ≤ 1.6 times a raw overwrite; an online card sale ≤ 2.1 and ≤ 3.2.
pub fn one_client(dir: &Path) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (method, name, most_syncs, most_ratio) in
        [(Method::Cash, "cash sale", 1.05, 1.6), (Method::Card, "online card sale", 2.1, 3.2)]
    {
        let syncs = counted(dir, method);
        let words = format!("≤ {most_syncs}");
        let note = "counted by a VFS over 2,000 sales, checkpoints included";
        figures
            .push(Figure::of(format!("{name}: syncs"), syncs, "syncs").target(words, syncs <= most_syncs).note(note));
        let (ours, raw) = timed(&dir.join(name.replace(' ', "-")), method);
        let figure = Figure::of(format!("durable {name}, one client"), ours, "µs");
        let figure = figure.beside("4 KB overwritten and synced", raw);
        // What is not the flushes: pages written and the processor's part. On a slower disk it weighs less.
        let own = ours - syncs.round() * raw;
        let enough = own / (most_ratio - syncs.round());
        let note = format!(
            "median of 100 blocks in turn; beside its flushes a sale takes {own:.0} µs of its own, so that the target is met where a flush takes {enough:.0} µs or more"
        );
        figures.push(figure.target(format!("≤ {most_ratio}"), ours / raw <= most_ratio).note(note));
    }
    figures
}

/// Syncs a sale, checkpoints included.
fn counted(dir: &Path, method: Method) -> f64 {
    const SALES: u64 = 2_000;
    vfs::register();
    let disk = Disk::with(Image::new());
    let config = shop::configure(dir, 1, 9);
    let mut till = Till::open(&config, &on_disk(&disk));
    till.sell(method);
    let before = disk.syncs();
    for _ in 0..SALES {
        till.sell(method);
    }
    let syncs = disk.syncs() - before;
    disk.remove();
    syncs as f64 / SALES as f64
}

/// A sale's and a raw overwrite's time, microseconds.
fn timed(dir: &Path, method: Method) -> (f64, f64) {
    std::fs::create_dir_all(dir).unwrap();
    let config = shop::configure(dir, 1, 9);
    let mut till = Till::open(&config, &StoreOptions::at(shop::database(&config)));
    let raw = OpenOptions::new().write(true).create(true).truncate(true).open(dir.join("raw")).unwrap();
    raw.write_all_at(&vec![7u8; 4096 * 256], 0).unwrap();
    raw.sync_all().unwrap();
    let page = vec![9u8; 4096];
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for block in 0..=BLOCKS {
        let begun = Instant::now();
        for _ in 0..BLOCK {
            till.sell(method);
        }
        let sold = begun.elapsed();
        let begun = Instant::now();
        for n in 0..BLOCK {
            raw.write_all_at(&page, (n % 256) * 4096).unwrap();
            raw.sync_data().unwrap();
        }
        // The first block warms both up.
        if block > 0 {
            ours.push(sold.as_secs_f64() * 1e6 / BLOCK as f64);
            theirs.push(begun.elapsed().as_secs_f64() * 1e6 / BLOCK as f64);
        }
    }
    (median(ours), median(theirs))
}

fn on_disk(disk: &Arc<Disk>) -> StoreOptions {
    StoreOptions { vfs: Some(vfs::NAME.into()), exclusive: false, ..StoreOptions::at(disk.path()) }
}

/// A writer without threads, and an acquirer that answers at once.
struct Till {
    writer: TillWriter,
    clock: Clock,
    sales: u64,
    tidied: Instant,
}

impl Till {
    fn open(config: &Config, options: &StoreOptions) -> Till {
        let clock = Clock::start();
        let writer = shop::writer(config, options, clock.now());
        let mut till = Till { writer, clock, sales: 0, tidied: Instant::now() };
        till.run(Command::Resume);
        till.run(shop::person("1001", Role::Cashier));
        till.run(Command::Lane { terminal: shop::pos(1), report: Report::LineUp });
        till
    }

    fn sell(&mut self, method: Method) {
        self.sales += 1;
        self.run(shop::sale(self.sales, 1, "1001", method));
        // As the daemon: when nothing waits, about once a second.
        if self.tidied.elapsed() >= Duration::from_secs(1) {
            self.tidied = Instant::now();
            self.writer.store_mut().tidy().unwrap();
        }
    }

    fn run(&mut self, command: Command) {
        let mut waiting = vec![(Ticket(1), command)];
        while !waiting.is_empty() {
            let now = self.clock.now();
            for output in self.writer.step(std::mem::take(&mut waiting), now) {
                match output {
                    Output::Send(terminal, order) => {
                        waiting.push((Ticket(0), Command::Lane { terminal, report: shop::approve(&order) }));
                    }
                    Output::Answer(_, Err(reject)) => panic!("{reject:?}"),
                    Output::Failed(why) => panic!("{why}"),
                    _ => {}
                }
            }
        }
    }
}

/// Lanes, each with one customer at a time.
const LANES: u32 = 64;

/// ≥ 40 cash or ≥ 16 card sales a sync where a flush takes 20 ms; on the plain disk: reported.
pub fn sixty_four_lanes(dir: &Path) -> Vec<Figure> {
    vfs::register();
    let mut figures = Vec::new();
    for (method, name, least) in [(Method::Cash, "cash", 40.0), (Method::Card, "card", 16.0)] {
        let config = shop::configure(dir, LANES, 9);
        let disk = Disk::with(Image::new());
        disk.flush_takes(Duration::from_millis(20));
        let (sales, seconds, syncs) = crowd(&config, &on_disk(&disk), method, Duration::from_secs(6), || disk.syncs());
        disk.remove();
        let a_sync = sales / syncs;
        let figure = Figure::of(format!("64 lanes, {name}, a flush of 20 ms: sales a sync"), a_sync, "sales");
        let note = format!("{:.0} sales a second in {seconds:.0} s", sales / seconds);
        figures.push(figure.target(format!("≥ {least:.0}"), a_sync >= least).note(note));
        let plain = dir.join(format!("plain-{name}"));
        std::fs::create_dir_all(&plain).unwrap();
        let config = shop::configure(&plain, LANES, 9);
        let options = StoreOptions::at(shop::database(&config));
        let (sales, seconds, _) = crowd(&config, &options, method, Duration::from_secs(6), || 0);
        figures.push(Figure::of(format!("64 lanes, {name}, this disk"), sales / seconds, "sales/s"));
    }
    figures
}

/// ≥ 2 times PostgreSQL with the same rows, one commit a sale, 64 clients, on the same disk; they take turns.
pub fn beside_postgres(dir: &Path) -> Vec<Figure> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..3 {
        let place = dir.join(format!("{turn}"));
        std::fs::create_dir_all(&place).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/postgres.sh");
        let out = std::process::Command::new(script).arg(&place).arg("6").output().unwrap();
        let Ok(tps) = String::from_utf8_lossy(&out.stdout).trim().parse::<f64>() else {
            eprintln!(
                "SKIPPED: no PostgreSQL server here, or it does not run: {}",
                String::from_utf8_lossy(&out.stderr)
            );
            return Vec::new();
        };
        theirs.push(tps);
        let config = shop::configure_printing(&place, LANES);
        let options = StoreOptions::at(shop::database(&config));
        let (sales, seconds, _) = crowd(&config, &options, Method::Cash, Duration::from_secs(6), || 0);
        ours.push(sales / seconds);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let figure = Figure::of("the same rows, 64 clients, this disk", ours, "sales/s")
        .beside("PostgreSQL, one commit a sale", theirs);
    vec![figure.target("≥ 2", ours / theirs >= 2.0).note("pgbench, prepared statements; three turns each, medians")]
}

/// Sales, seconds, syncs of 64 lanes that sell as fast as they can, at the store's door (the writer's queue, without HTTP).
pub fn crowd(
    config: &Config,
    options: &StoreOptions,
    method: Method,
    lasts: Duration,
    syncs: impl Fn() -> u64,
) -> (f64, f64, f64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (clock, inbox) = (Clock::start(), Inbox::default());
    let mut writer = shop::writer(config, options, clock.now());
    let mut first: Vec<Command> = (1..=LANES).map(|n| shop::person(&format!("{}", 1000 + n), Role::Cashier)).collect();
    first.extend((1..=LANES).map(|n| Command::Lane { terminal: shop::pos(n), report: Report::LineUp }));
    let mut waiting: Vec<(Ticket, Command)> = first.into_iter().map(|c| (Ticket(1), c)).collect();
    // Signs every terminal on before the clock runs.
    while !waiting.is_empty() {
        let now = Now { wall: WallMs(clock.now().wall.0), mono: MonoMs(clock.now().mono.0) };
        for output in writer.step(std::mem::take(&mut waiting), now) {
            if let Output::Send(terminal, order) = output {
                waiting.push((Ticket(0), Command::Lane { terminal, report: shop::approve(&order) }));
            }
        }
    }
    let (orders, mut asked) = mpsc::unbounded_channel::<(TerminalId, Box<Order>)>();
    let thread = {
        let inbox = inbox.clone();
        std::thread::spawn(move || write_on(writer, &inbox, &clock, Lanes(orders)))
    };
    let acquirer = inbox.clone();
    runtime.spawn(async move {
        while let Some((terminal, order)) = asked.recv().await {
            acquirer.report(terminal, shop::approve(&order));
        }
    });
    let (begun, before) = (Instant::now(), syncs());
    let lanes: Vec<_> = (1..=LANES).map(|n| runtime.spawn(lane(inbox.clone(), n, method, begun + lasts))).collect();
    let sold: u64 = runtime.block_on(async {
        let mut sold = 0;
        for lane in lanes {
            sold += lane.await.unwrap();
        }
        sold
    });
    let (seconds, synced) = (begun.elapsed().as_secs_f64(), syncs() - before);
    inbox.stop();
    drop(thread.join().unwrap());
    (sold as f64, seconds, synced as f64)
}

async fn lane(inbox: Inbox, n: u32, method: Method, until: Instant) -> u64 {
    let mut sold = 0;
    while Instant::now() < until {
        let (told, answer) = tokio::sync::oneshot::channel();
        let sale = shop::sale(u64::from(n) * 10_000_000 + sold, n, &format!("{}", 1000 + n), method);
        inbox.command(sale, Box::new(move |result| drop(told.send(result))));
        answer.await.unwrap().unwrap_or_else(|reject| panic!("{reject:?}"));
        sold += 1;
    }
    sold
}

struct Lanes(mpsc::UnboundedSender<(TerminalId, Box<Order>)>);

impl Outlets for Lanes {
    fn send(&self, terminal: &TerminalId, order: Box<Order>) {
        let _ = self.0.send((terminal.clone(), order));
    }
    fn print(&self) {}
    fn committed(&mut self, _: &Committed) {}
    fn health(&self, trouble: Option<String>) {
        assert_eq!(trouble, None);
    }
    fn sales_stopped(&self, why: Option<Refusal>) {
        assert_eq!(why, None);
    }
    fn every_second(&mut self) -> Room {
        Room::Enough
    }
    fn alive(&self) {}
}
