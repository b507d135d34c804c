//! What is made from the command line's own description: shell completions and manual pages. The package and whoever builds from source ask the
//! program for them, so that they are never another version's.

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::args::{CompletionsArgs, Line, ManArgs};
use super::failure::Failure;
use super::out;
use crate::core::packed::{Packed, packed};
use crate::daemon::exit::Exit;

/// Shells that there are completions for.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// Every key of the configuration with its meaning; the package ships it as an example, too.
const CONFIGURATION: Packed = packed!("tilld.toml");

/// The completions of one shell.
#[must_use]
pub fn completion(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Line::command(), "tilld", &mut bytes);
    text(&bytes)
}

/// Every manual page: its file below a folder of manuals, and its text. One for the whole, one a command, one a command below a command, and
/// one for the configuration.
#[must_use]
pub fn pages() -> Vec<(String, String)> {
    let mut root = Line::command().disable_help_subcommand(true);
    root.build();
    let mut pages = vec![page(&root, "tilld", true), ("man5/tilld.toml.5".to_owned(), configuration())];
    for sub in root.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        let name = format!("tilld-{}", sub.get_name());
        pages.push(page(sub, &name, false));
        pages.extend(sub.get_subcommands().map(|below| page(below, &format!("{name}-{}", below.get_name()), false)));
    }
    pages
}

fn page(command: &clap::Command, name: &str, whole: bool) -> (String, String) {
    let man = Man::new(command.clone().display_name(name)).title(name.to_uppercase()).source(version()).date("");
    let mut bytes = Vec::new();
    // Writing to a vector does not fail, here and below.
    let _ = man.render(&mut bytes);
    if whole {
        let _ = around().to_writer(&mut bytes);
    }
    (format!("man1/{name}.1"), text(&bytes))
}

fn version() -> String {
    format!("tilld {}", env!("CARGO_PKG_VERSION"))
}

/// What clap does not know: exit codes, environment, files.
fn around() -> Roff {
    let mut roff = Roff::new();
    let item = |roff: &mut Roff, name: &str, words: &str| {
        roff.control("TP", []).text([bold(name)]).text([roman(words)]);
    };
    roff.control("SH", ["EXIT STATUS"]);
    for (exit, words) in Exit::ALL {
        item(&mut roff, &exit.code().to_string(), words);
    }
    roff.control("SH", ["ENVIRONMENT"]);
    item(&mut roff, "TILLD_CONFIG", "The configuration, where --config names none.");
    item(&mut roff, "TILLD_LOG", "How much is logged: info, debug, tilld::io=trace.");
    roff.control("SH", ["FILES"]);
    item(&mut roff, "/etc/tilld/tilld.toml", "The configuration: see tilld.toml(5).");
    item(&mut roff, "/var/lib/tilld", "The journal.");
    roff.control("SH", ["SEE ALSO"]).text([roman("tilld.toml(5), systemd(1)")]);
    roff
}

fn configuration() -> String {
    let mut roff = Roff::new();
    roff.control("TH", ["TILLD.TOML", "5", "", &version()])
        .control("SH", ["NAME"])
        .text([roman("tilld.toml - configuration of the till daemon")])
        .control("SH", ["DESCRIPTION"])
        .text([roman("TOML. Every key, with its meaning:")])
        .control("PP", [])
        .control("nf", []);
    for line in CONFIGURATION.text().lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []).control("SH", ["SEE ALSO"]).text([roman("tilld(1)")]);
    roff.to_roff()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `tilld completions SHELL`
pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let wanted = SHELLS.into_iter().find(|shell| shell.to_possible_value().is_some_and(|v| v.get_name() == args.shell));
    let Some(shell) = wanted else { return Err(Failure::new(Exit::Usage, "use bash, zsh or fish")) };
    out::text(&completion(shell)).map(|()| Exit::Ok)
}

/// `tilld man [DIR]`
pub(super) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let pages = pages();
    let Some(dir) = &args.dir else {
        let first = pages.first().map_or("", |(_, text)| text.as_str());
        return out::text(first).map(|()| Exit::Ok);
    };
    for (name, text) in &pages {
        let path = dir.join(name);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        made.map_err(|e| Failure::new(Exit::CantCreate, format!("{}: {e}", path.display())))?;
    }
    out::say(&format!("{} pages: man -M {} tilld", pages.len(), dir.display()));
    Ok(Exit::Ok)
}
