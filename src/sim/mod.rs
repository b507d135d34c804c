//! Stand-ins for a rig without hardware: the other side of each wire.

pub mod acquirer;
pub mod bridge;
pub mod msr;
pub mod neo2;
pub mod nii;
pub mod pn532;
pub mod printer;
pub mod pty;
pub mod scanner;
