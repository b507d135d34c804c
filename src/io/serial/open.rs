//! Opening and setting up a port.
//!
//! One way for all machines: `open` by rustix, then the old `tcgetattr`/`tcsetattr` of the C library. `serialport` sets
//! the rate by TCGETS2 and so do rustix's own calls; under qemu-user that ioctl answers ENOSYS (measured: 7.2, aarch64 and
//! arm), TCGETS works. All rates that readers and printers use are standard ones. Two ways would mean that the
//! one that ships is not the one that is tested. `serialport` also clears O_NONBLOCK, and with it its write timeout.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::sys::termios::{self, BaudRate, ControlFlags, InputFlags, SetArg, SpecialCharacterIndices};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::termios::QueueSelector;

use super::{DataBits, FlowControl, Parity, PortConfig, SerialError, StopBits};

/// Opens, locks, and sets up; the text says what is wrong and what to do.
pub(super) fn open(config: &PortConfig) -> Result<OwnedFd, String> {
    let path = &config.path;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| explain(path, e))?;
    if !rustix::termios::isatty(&fd) {
        return Err(format!("{} is not a serial port", path.display()));
    }
    rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| format!("{} is in use by another program", path.display()))?;
    // On a pty the flag would outlive us (it goes with the master), and lock out the next run after a kill.
    if !path.canonicalize().is_ok_and(|p| p.starts_with("/dev/pts")) {
        rustix::termios::ioctl_tiocexcl(&fd).map_err(|e| explain(path, e))?;
    }
    set_up(&fd, config).map_err(|e| format!("{}: cannot set {} baud: {e}", path.display(), config.baud))?;
    // What came before we listened is nobody's answer.
    rustix::termios::tcflush(&fd, QueueSelector::IOFlush).map_err(|e| explain(path, e))?;
    Ok(fd)
}

fn explain(path: &Path, e: rustix::io::Errno) -> String {
    let p = path.display();
    match e {
        rustix::io::Errno::NOENT => format!("{p} is not there: is the device plugged in and switched on?"),
        rustix::io::Errno::ACCESS => format!("{p}: permission denied: is the user of tilld in the group dialout?"),
        rustix::io::Errno::BUSY => format!("{p} is in use by another program"),
        e => format!("{p}: {e}"),
    }
}

fn set_up(fd: &OwnedFd, config: &PortConfig) -> Result<(), String> {
    let raw = fd.as_raw_fd();
    let mut t = termios::tcgetattr(raw).map_err(|e| e.to_string())?;
    termios::cfmakeraw(&mut t);
    let c = &mut t.control_flags;
    c.remove(ControlFlags::CSIZE | ControlFlags::PARENB | ControlFlags::PARODD | ControlFlags::CSTOPB);
    // Without HUPCL closing does not drop DTR, which would reset some printers.
    c.remove(ControlFlags::CRTSCTS | ControlFlags::HUPCL);
    c.insert(ControlFlags::CREAD | ControlFlags::CLOCAL);
    c.insert(match config.data_bits {
        DataBits::Five => ControlFlags::CS5,
        DataBits::Six => ControlFlags::CS6,
        DataBits::Seven => ControlFlags::CS7,
        DataBits::Eight => ControlFlags::CS8,
    });
    c.set(ControlFlags::PARENB, config.parity != Parity::None);
    c.set(ControlFlags::PARODD, config.parity == Parity::Odd);
    c.set(ControlFlags::CSTOPB, config.stop_bits == StopBits::Two);
    c.set(ControlFlags::CRTSCTS, config.flow == FlowControl::Hardware);
    t.input_flags.set(InputFlags::IXON | InputFlags::IXOFF, config.flow == FlowControl::Software);
    t.input_flags.set(InputFlags::INPCK, config.parity != Parity::None);
    // With VMIN 0 "nothing there" would read as 0 bytes, like "gone".
    t.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
    t.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
    let rate = baud_rate(config.baud).map_err(|e| e.to_string())?;
    termios::cfsetspeed(&mut t, rate).map_err(|e| e.to_string())?;
    termios::tcsetattr(raw, SetArg::TCSANOW, &t).map_err(|e| e.to_string())
}

/// The constant of a standard rate.
pub(super) fn baud_rate(baud: u32) -> Result<BaudRate, SerialError> {
    Ok(match baud {
        1200 => BaudRate::B1200,
        2400 => BaudRate::B2400,
        4800 => BaudRate::B4800,
        9600 => BaudRate::B9600,
        19_200 => BaudRate::B19200,
        38_400 => BaudRate::B38400,
        57_600 => BaudRate::B57600,
        115_200 => BaudRate::B115200,
        230_400 => BaudRate::B230400,
        460_800 => BaudRate::B460800,
        500_000 => BaudRate::B500000,
        921_600 => BaudRate::B921600,
        1_000_000 => BaudRate::B1000000,
        1_500_000 => BaudRate::B1500000,
        2_000_000 => BaudRate::B2000000,
        3_000_000 => BaudRate::B3000000,
        4_000_000 => BaudRate::B4000000,
        other => return Err(SerialError::Baud(other)),
    })
}
