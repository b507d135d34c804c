//! Many rows beside coreutils' `sort` and `join`: both find the same. Measured with
//! `TILLD_ROWS=1000000 cargo test --release --test reconcile rows_beside_sort_and_join -- --nocapture`, and by the benchmark.

#[path = "../bench/statement.rs"]
mod statement;

/// A few by default: the figures are for a release build that has the machine for itself.
fn rows() -> u64 {
    std::env::var("TILLD_ROWS").ok().and_then(|v| v.parse().ok()).unwrap_or(20_000)
}

/// The kernel's figure for this process's largest memory, MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn rows_beside_sort_and_join() {
    let (rows, before) = (rows(), peak_mb());
    let dir = std::env::temp_dir().join(format!("tilld-million-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let took = statement::beside_sort_and_join(&dir, rows);
    std::fs::remove_dir_all(&dir).unwrap();
    let (ours, theirs) = (took.ours.as_millis() as u64, took.sort_and_join.as_millis() as u64);
    let figures = serde_json::json!({
        "rows": rows, "ours_ms": ours, "sort_and_join_ms": theirs, "ours_percent_of_it": ours * 100 / theirs.max(1),
        "peak_mb": peak_mb(), "peak_mb_before": before,
    });
    eprintln!("{figures}");
    if let Some(path) = std::env::var_os("TILLD_FIGURES") {
        std::fs::write(path, figures.to_string()).unwrap();
    }
    assert!(peak_mb() < 200);
    // A debug build's figure says nothing.
    assert!(cfg!(debug_assertions) || rows < 1_000_000 || ours <= theirs, "slower than sort and join");
}
