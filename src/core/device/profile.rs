//! Printer profiles as data: what a model can say and how much it can hold. A new model is one line in [`PROFILES`].

/// What a printer model can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Name in the configuration.
    pub name: &'static str,
    /// Half-width characters a line.
    pub columns: u16,
    /// Answers `GS ( H` (process id): the strongest proof of a print.
    pub has_process_id: bool,
    /// Pushes its status by itself after `GS a` (ASB).
    pub has_asb: bool,
    /// Answers `GS r` when the bytes before it are processed: the general proof of a print.
    pub has_gs_r: bool,
    /// Answers `DLE EOT` at once. With neither this nor ASB the printer is mute: jobs end as `Unproven`.
    pub has_dle_eot: bool,
    /// Bytes in its receive buffer; at 0 left it throws away.
    pub receive_buffer: usize,
    /// Bytes that may be under way unconfirmed: `GS r` is strewn between commands and waited for, so that the buffer
    /// cannot overflow even on a three-wire line without handshake. 0 = no such marks (needs a handshake). One command
    /// longer than this (a tall raster) is not cut: print pictures in bands.
    pub window: usize,
    /// Bytes a write: status questions can go out between two writes.
    pub chunk: usize,
    /// NULs that end a half-eaten command (a raster of up to this size).
    pub flush_nuls: usize,
}

/// Known models. `generic-80` is what to use when nothing better is known.
pub const PROFILES: &[Profile] = &[
    base("generic-80", 48),
    base("generic-58", 32),
    base("generic-58-35", 35),
    base("generic-80-42", 42),
    Profile { has_process_id: true, ..base("epson-tm", 48) },
    Profile { has_process_id: true, ..base("epson-tm-42", 42) },
    Profile { has_gs_r: false, has_asb: false, window: 0, ..base("status-58", 32) },
    mute("mute-58", 32),
    mute("mute-80", 48),
];

const fn base(name: &'static str, columns: u16) -> Profile {
    Profile {
        name,
        columns,
        has_process_id: false,
        has_asb: true,
        has_gs_r: true,
        has_dle_eot: true,
        receive_buffer: 4096,
        window: 3072,
        chunk: 512,
        flush_nuls: 8192,
    }
}

const fn mute(name: &'static str, columns: u16) -> Profile {
    Profile { has_gs_r: false, has_dle_eot: false, has_asb: false, window: 0, ..base(name, columns) }
}

impl Profile {
    /// Whether it says anything at all.
    pub fn speaks(&self) -> bool {
        self.has_dle_eot || self.has_asb
    }

    /// The profile of that name.
    pub fn named(name: &str) -> Option<Self> {
        PROFILES.iter().find(|p| p.name == name).cloned()
    }

    /// The generic profile of a paper width in columns, for a configuration that gives only `columns`.
    pub fn generic(columns: u16) -> Self {
        Self { columns, ..base("generic-80", 48) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_limits_make_sense() {
        for (i, p) in PROFILES.iter().enumerate() {
            assert!(PROFILES[..i].iter().all(|q| q.name != p.name), "{}", p.name);
            assert_eq!(Profile::named(p.name).as_ref(), Some(p));
            // Room for status questions beside the window: the printer is busy at 128 left.
            assert!(p.window + 128 + 256 <= p.receive_buffer && p.chunk > 0, "{}", p.name);
            assert!(p.has_gs_r || p.window == 0, "{}", p.name);
        }
    }
}
