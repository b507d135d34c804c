//! What systemd is told (`sd_notify`): ready, still alive, stopping. Without systemd, nothing.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Tells the service manager a state such as `READY=1`. It not being there is no error.
pub fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(name.as_encoded_bytes(), state) {
        log::warn!("the service manager could not be told {state}: {error}");
    }
}

fn send(name: &[u8], state: &str) -> std::io::Result<()> {
    let address = match name.strip_prefix(b"@") {
        Some(abstract_name) => SocketAddr::from_abstract_name(abstract_name)?,
        None => {
            SocketAddr::from_pathname(std::path::Path::new(std::str::from_utf8(name).map_err(std::io::Error::other)?))?
        }
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_manager_by_path_or_by_abstract_name_hears_it() {
        let dir = std::env::temp_dir().join(format!("tilld-notify-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("s");
        let _ = std::fs::remove_file(&path);
        let hidden = format!("tilld-notify-{}", std::process::id());
        let manager = [
            (UnixDatagram::bind(&path).unwrap(), path.as_os_str().as_encoded_bytes().to_vec()),
            (
                UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&hidden).unwrap()).unwrap(),
                format!("@{hidden}").into_bytes(),
            ),
        ];
        for (socket, name) in manager {
            send(&name, "READY=1").unwrap();
            let mut heard = [0; 16];
            let n = socket.recv(&mut heard).unwrap();
            assert_eq!(&heard[..n], b"READY=1");
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
