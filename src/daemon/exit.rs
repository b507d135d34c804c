//! Exit codes: sysexits, all in this one file. Scripts and systemd units rely on them; none is renumbered.

use std::process::ExitCode;

/// The enum and what its manual page says, from one list.
macro_rules! exits {
    ($($name:ident = $code:literal, $words:literal;)*) => {
        /// How a command ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Exit {
            $(#[doc = $words] $name = $code,)*
        }

        impl Exit {
            /// Every code there is, with its meaning, for the manual page.
            pub const ALL: &'static [(Exit, &'static str)] = &[$((Exit::$name, $words),)*];
        }
    };
}

exits! {
    Ok = 0, "Done.";
    Findings = 1, "Done, and what was looked at is not in order: `verify` found a difference, `doctor` something that keeps the till from selling, a batch is unbalanced.";
    Usage = 64, "The command line is wrong (EX_USAGE).";
    Data = 65, "The input is wrong: a spoiled file, a refused request (EX_DATAERR).";
    NoInput = 66, "An input file does not exist or cannot be read (EX_NOINPUT).";
    NoUser = 67, "There is no such cashier (EX_NOUSER).";
    Unavailable = 69, "Something needed is not there: the daemon does not answer, a part is not built in (EX_UNAVAILABLE).";
    Software = 70, "A bug in tilld (EX_SOFTWARE).";
    Os = 71, "The operating system refused: no socket, no thread (EX_OSERR).";
    CantCreate = 73, "An output file cannot be written (EX_CANTCREAT).";
    Io = 74, "Reading or writing failed: the disk (EX_IOERR).";
    TempFail = 75, "Try again later: busy, still settling, another tilld holds the store (EX_TEMPFAIL).";
    NoPerm = 77, "Not allowed: wrong PIN, no manager, file permissions (EX_NOPERM).";
    Config = 78, "The configuration is wrong (EX_CONFIG).";
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The exit code for an answer of the local API that is a refusal.
    #[must_use]
    pub fn of_refusal(status: u16, code: &str) -> Exit {
        match (status, code) {
            (_, "unknown_cashier") => Exit::NoUser,
            (401 | 403, _) => Exit::NoPerm,
            (503, "storage_failed" | "damaged") => Exit::Io,
            (503, _) => Exit::TempFail,
            (400..500, _) => Exit::Data,
            _ => Exit::Software,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_sysexits_and_each_its_own() {
        let codes: BTreeSet<u8> = Exit::ALL.iter().map(|e| e.0.code()).collect();
        assert_eq!(codes.len(), Exit::ALL.len());
        assert!(codes.iter().all(|c| *c <= 1 || (64..=78).contains(c)));
    }

    #[test]
    fn a_refusal_has_an_exit_code_that_scripts_can_act_on() {
        assert_eq!(Exit::of_refusal(403, "wrong_pin"), Exit::NoPerm);
        assert_eq!(Exit::of_refusal(422, "unknown_cashier"), Exit::NoUser);
        assert_eq!(Exit::of_refusal(503, "busy"), Exit::TempFail);
        assert_eq!(Exit::of_refusal(503, "storage_failed"), Exit::Io);
        assert_eq!(Exit::of_refusal(404, "unknown_day"), Exit::Data);
    }
}
