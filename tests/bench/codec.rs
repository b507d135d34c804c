//! The ISO 8583 codec beside others': `codec/run.sh`, whose program lies outside the workspace because of what it is compared with.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::figure::Figure;

/// At least 30 times pyiso8583 on the same bytes, and no slower than iso8583-core on the same fields in its ASCII.
pub fn beside_others(_: &Path) -> Vec<Figure> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/codec/run.sh");
    let out = Command::new("sh").arg(script).stderr(Stdio::inherit()).output().unwrap();
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(&out.stdout) else {
        eprintln!("left out: the codec's comparison did not run (Python 3 with venv, and crates.io, are needed)");
        return Vec::new();
    };
    let of = |name: &str| json[name].as_f64().unwrap_or(0.0);
    let ours = json["ns"]["encode"].as_f64().unwrap_or(0.0) + json["ns"]["decode"].as_f64().unwrap_or(0.0);
    vec![
        Figure::of("a sale encoded and decoded".to_owned(), ours, "ns").note(format!("{} bytes", of("bytes"))),
        Figure::of("beside pyiso8583, the same bytes", of("times_pyiso8583"), "x")
            .target(">= 30 x", of("times_pyiso8583") >= 30.0),
        Figure::of("beside iso8583-core, the same fields in its ASCII", of("times_iso8583_core"), "x")
            .target(">= 1 x", of("times_iso8583_core") >= 1.0),
    ]
}
