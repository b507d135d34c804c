//! Stand-ins for a rig without hardware: the other side of each wire.
