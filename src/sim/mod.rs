//! Stand-ins for a rig without hardware: the other side of each wire.

pub mod acquirer;
