//! The figures of the README's table, each beside its limit or peer, measured in the same run on the same disk:
//! `cargo bench --bench till -- [--json FILE] [--into README.md] [--dir DIR] [NAME…]`. Without names all are measured; what needs a program that is
//! not here (PostgreSQL, Python) says so and is left out. Nothing here judges a test run: a target that is not met is printed as such. `--into` writes
//! the table into a page, between the two comments that name it.
//!
//! One file a work, one line in [`WORKS`].
#![allow(
    missing_docs,
    clippy::float_arithmetic,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod closing;
mod codec;
#[path = "../power_loss/disk.rs"]
#[allow(dead_code)]
mod disk;
mod drain;
mod figure;
mod filled;
mod process;
mod sale;
mod shop;
mod statement;
#[path = "../power_loss/vfs.rs"]
#[allow(dead_code)]
mod vfs;

use std::path::{Path, PathBuf};

use figure::Figure;

/// A measurement: works in a folder of its own, and gives its lines.
type Work = fn(&Path) -> Vec<Figure>;

/// Name, what it measures.
#[rustfmt::skip]
const WORKS: &[(&str, Work)] = &[
    ("sale", sale::one_client),
    ("group", sale::sixty_four_lanes),
    ("postgres", sale::beside_postgres),
    ("close", closing::ten_thousand),
    ("close_million", closing::a_million),
    ("start", process::start_memory_idle),
    ("drain", drain::a_backlog),
    ("statement", a_statement),
    ("codec", codec::beside_others),
];

/// A million rows: no slower than coreutils, which sort and join the same files.
fn a_statement(dir: &Path) -> Vec<Figure> {
    let took = statement::beside_sort_and_join(dir, 1_000_000);
    let (ours, theirs) = (took.ours.as_secs_f64(), took.sort_and_join.as_secs_f64());
    let figure = Figure::of("a statement of 1,000,000 rows matched", ours, "s");
    vec![figure.beside("coreutils `sort` and `join`", theirs).target("≤ 1", ours <= theirs)]
}

const BEGIN: &str = "<!-- bench -->";
const END: &str = "<!-- /bench -->";

fn main() {
    let (mut json, mut page, mut dir, mut names) = (None, None, std::env::temp_dir(), Vec::new());
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--json" => json = args.next().map(PathBuf::from),
            "--into" => page = args.next().map(PathBuf::from),
            "--dir" => dir = args.next().map(PathBuf::from).expect("--dir needs a folder"),
            name => names.push(name.to_owned()),
        }
    }
    if let Some(unknown) = names.iter().find(|name| !WORKS.iter().any(|(known, _)| known == name)) {
        let known: Vec<&str> = WORKS.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no measurement {unknown:?}; there are {}", known.join(", "));
        std::process::exit(64);
    }
    let mut figures = Vec::new();
    for (name, work) in WORKS {
        if !names.is_empty() && !names.iter().any(|n| n == name) {
            continue;
        }
        eprintln!("measuring {name} …");
        let place = dir.join(format!("tilld-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        figures.extend(work(&place));
        let _ = std::fs::remove_dir_all(&place);
    }
    let machine = machine();
    let table = format!("{machine}\n\n{}", figure::table(&figures));
    println!("{table}");
    if let Some(path) = page {
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(BEGIN).expect("the page says where the table begins");
        let (_, after) = rest.split_once(END).expect("the page says where the table ends");
        std::fs::write(&path, format!("{before}{BEGIN}\n{table}\n{END}{after}")).unwrap();
    }
    if let Some(path) = json {
        let all = serde_json::json!({"machine": machine, "figures": figures});
        std::fs::write(path, format!("{all:#}\n")).unwrap();
    }
}

/// What it was measured on, and when.
fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or("").trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let day = chrono::DateTime::from_timestamp_millis(tilld::io::clock::wall().0).map(|t| t.date_naive().to_string());
    format!("{}, {cores} cores, {}, {}", day.unwrap_or_default(), model, std::env::consts::ARCH)
}
