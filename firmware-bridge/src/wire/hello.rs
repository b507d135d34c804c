//! The beginning of a session. These two layouts are the same in every protocol version: both ends must be able to read them
//! before they know which one they share. Fields may be appended; readers ignore what follows what they know.

use serde::{Deserialize, Serialize};

use super::{CURRENT, Capabilities, MIN};

/// Host → bridge: the versions I speak. The session's number stands in the frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The oldest version the host speaks.
    pub min: u8,
    /// The newest version the host speaks.
    pub current: u8,
}

impl Hello {
    /// What this crate says.
    #[must_use]
    pub const fn ours() -> Self {
        Self { min: MIN, current: CURRENT }
    }
}

/// Bridge → host: the versions I speak, the one we use, and what I have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The oldest version the bridge speaks.
    pub min: u8,
    /// The newest version the bridge speaks.
    pub current: u8,
    /// The version of this session; 0 if there is none that both speak: then there is no session.
    pub chosen: u8,
    /// What the bridge has.
    pub capabilities: Capabilities,
}

/// The version two ends share: the newest that both speak; `None` if there is none.
#[must_use]
pub const fn agree(a: Hello, b: Hello) -> Option<u8> {
    let newest = if a.current < b.current { a.current } else { b.current };
    let oldest = if a.min > b.min { a.min } else { b.min };
    if newest >= oldest && newest > 0 { Some(newest) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_that_both_speak_is_chosen() {
        let v = |min, current| Hello { min, current };
        assert_eq!(agree(v(1, 1), v(1, 1)), Some(1));
        assert_eq!(agree(v(1, 3), v(2, 9)), Some(3));
        assert_eq!(agree(v(2, 9), v(1, 3)), Some(3));
        assert_eq!(agree(v(1, 2), v(3, 4)), None);
        assert_eq!(agree(v(3, 4), v(1, 2)), None);
        assert_eq!(agree(v(0, 0), v(0, 0)), None);
    }
}
