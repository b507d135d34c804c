//! Which serial ports there are: for `doctor`, and for an error that can name what is plugged in.

use std::path::{Path, PathBuf};

/// A port and its stable names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortListing {
    /// Its name now, such as `/dev/ttyUSB0`.
    pub path: PathBuf,
    /// Names under `/dev/serial/by-id` that lead to it: what belongs in the configuration.
    pub stable: Vec<PathBuf>,
    /// Vendor, product and serial number where it is a USB device.
    pub usb: Option<String>,
}

/// What the system shows; empty where it shows nothing.
pub fn list_ports() -> Vec<PortListing> {
    // The crate stops the program where /sys is not mounted.
    if !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    let stable: Vec<(PathBuf, PathBuf)> = std::fs::read_dir("/dev/serial/by-id")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.path(), e.path().canonicalize().ok()?)))
        .collect();
    let mut ports: Vec<PortListing> = serialport::available_ports()
        .unwrap_or_default()
        .into_iter()
        .map(|p| {
            let path = PathBuf::from(p.port_name);
            let mut names: Vec<PathBuf> = stable.iter().filter(|(_, to)| *to == path).map(|(n, _)| n.clone()).collect();
            names.sort();
            PortListing { path, stable: names, usb: usb_text(&p.port_type) }
        })
        .collect();
    ports.sort_by(|a, b| a.path.cmp(&b.path));
    ports
}

fn usb_text(kind: &serialport::SerialPortType) -> Option<String> {
    let serialport::SerialPortType::UsbPort(usb) = kind else { return None };
    let parts = [&usb.manufacturer, &usb.product, &usb.serial_number];
    let words: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    Some(format!("{:04x}:{:04x} {}", usb.vid, usb.pid, words.join(" ")))
}
