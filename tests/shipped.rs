//! What is shipped beside the binary is what the binary says of itself: shell completions and manual pages.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

const COMMANDS: [&str; 15] = [
    "demo",
    "run",
    "check",
    "status",
    "cashier",
    "close",
    "report",
    "show",
    "verify",
    "reconcile",
    "qualify",
    "doctor",
    "sim",
    "init",
    "completions",
];

fn tilld(words: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_tilld")).args(words).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn every_command_has_a_page_and_every_option_stands_in_it() {
    let dir = std::env::temp_dir().join(format!("tilld-man-{}", std::process::id()));
    tilld(&["man", dir.to_str().unwrap()]);
    for command in COMMANDS {
        let page = std::fs::read_to_string(dir.join(format!("man1/tilld-{command}.1"))).unwrap();
        assert!(page.contains(&format!("tilld\\-{command}")) && page.contains(".SH SYNOPSIS"), "{page}");
        let help = tilld(&[command, "--help"]);
        for option in help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 3) {
            let option = option.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            assert!(page.contains(&option.replace('-', "\\-")), "{command} {option}: {page}");
        }
    }
    let first = std::fs::read_to_string(dir.join("man1/tilld.1")).unwrap();
    assert_eq!(first, tilld(&["man"]));
    assert!(first.contains("EXIT STATUS") && first.contains("\\fB78\\fR\nThe configuration is wrong"), "{first}");
    // The pages of an option that never changes its name but the whole example: one of its last keys is enough.
    let configuration = std::fs::read_to_string(dir.join("man5/tilld.toml.5")).unwrap();
    assert!(configuration.contains("[offline]") && configuration.contains("max_age_hours"), "{configuration}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_shell_completes_what_the_command_line_knows() {
    let script = tilld(&["completions", "bash"]);
    let ask = |words: &str, at: usize| {
        let asked = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={at}; COMPREPLY=(); _tilld tilld \"${{COMP_WORDS[at]}}\" \"${{COMP_WORDS[at-1]}}\"; echo \"${{COMPREPLY[*]}}\""
        )
        .replace("[at]", &format!("[{at}]")).replace("[at-1]", &format!("[{}]", at - 1));
        let done = Command::new("bash").args(["-c", &asked]).output().unwrap();
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    let all = ask("tilld ''", 1);
    for command in COMMANDS {
        assert!(all.split(' ').any(|word| word == command), "{command}: {all}");
    }
    assert_eq!(ask("tilld recon", 1), "reconcile");
    assert_eq!(ask("tilld status --wa", 2), "--watch");
    assert_eq!(ask("tilld report --format p", 3), "png pdf");
    assert!(tilld(&["completions", "zsh"]).starts_with("#compdef tilld"));
    assert!(tilld(&["completions", "fish"]).contains("-a \"reconcile\""));
}
