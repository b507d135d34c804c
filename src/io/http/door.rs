//! The two listeners: bound, accepted from within bounds, closed in order.

use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::ApiOptions;
use super::api::Api;
use super::guard::{Caller, TcpRules, Wire};
use super::router;
use super::token;
use crate::core::ports::Desk;
use crate::io::work;

/// Connections at once, on each of the two ways.
const MAX_CONNECTIONS: usize = 256;
/// A request's line and headers.
const MAX_HEAD: usize = 16 * 1024;
/// A request's headers by number.
const MAX_HEADERS: usize = 64;
/// How long a head may take to arrive, and an idle connection stays.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long requests under way may take once the daemon stops.
const DRAIN: Duration = Duration::from_secs(10);
/// What one connection too many gets.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
connection: close\r\ncontent-length: 205\r\n\r\n\
{\"type\":\"urn:tilld:problem:busy\",\"title\":\"busy\",\"status\":503,\"code\":\"busy\",\"detail\":\"Too many connections: try again in a \
moment\",\"detail_zh\":\"\\u8fde\\u63a5\\u8fc7\\u591a\\uff0c\\u8bf7\\u7a0d\\u5019\\u91cd\\u8bd5\"}";

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Another daemon answers on this socket.
    #[error("another tilld already listens on {0}")]
    Taken(PathBuf),
    /// What lies at the socket's path is no socket.
    #[error("{0} exists and is not a socket: remove it or choose another path")]
    NotASocket(PathBuf),
    /// The socket cannot be made.
    #[error("the socket {path} cannot be made: {source}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The API is for this machine only.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// No token, no TCP.
    #[error("{0}")]
    Token(String),
}

/// The API's listeners, bound and not yet serving.
#[derive(Debug)]
pub struct Door {
    socket: Option<BoundSocket>,
    tcp: Option<(TcpListener, SocketAddr)>,
    token: Option<token::Token>,
    options: ApiOptions,
}

#[derive(Debug)]
struct BoundSocket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Door {
    /// Binds the socket and the port and reads or makes the token. Call it inside a tokio runtime.
    pub fn bind(options: &ApiOptions) -> Result<Door, DoorError> {
        let mut token = None;
        let tcp = match options.listen {
            Some(address) => {
                let path = options.token_file.as_deref().ok_or_else(|| {
                    DoorError::Token(format!("{address} needs a token file: set token_file beside listen"))
                })?;
                token = Some(token::read_or_make(path).map_err(DoorError::Token)?);
                Some(bind_tcp(address)?)
            }
            None => None,
        };
        let socket = options.socket.as_deref().map(bind_socket).transpose()?;
        Ok(Door { socket, tcp, token, options: options.clone() })
    }

    /// Where TCP is listened on, with the port that was taken.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().map(|(_, address)| *address)
    }

    /// Serves until `shutdown` ends, then takes no more connections and lets requests under way finish, at most ten seconds.
    pub async fn serve(self, desk: Arc<dyn Desk>, shutdown: impl Future<Output = ()>) {
        let (stop, stopped) = watch::channel(false);
        let router = router(Arc::new(Api::new(desk, &self.options, stopped.clone())));
        let rules = match (&self.tcp, self.token) {
            (Some((_, address)), Some(token)) => Some(Arc::new(TcpRules::new(*address, token))),
            _ => None,
        };
        let bounds = [Arc::new(Semaphore::new(MAX_CONNECTIONS)), Arc::new(Semaphore::new(MAX_CONNECTIONS))];
        let mut open = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                stream = accept_socket(self.socket.as_ref()) => {
                    let Some((stream, caller)) = stream else { continue };
                    let Ok(permit) = bounds[0].clone().try_acquire_owned() else {
                        let _ = stream.try_write(FULL);
                        continue;
                    };
                    open.spawn(work::boxed(serve_one(Box::new(stream), router.clone(), Wire::Socket(caller), stopped.clone(), permit)));
                }
                stream = accept_tcp(self.tcp.as_ref()) => {
                    let (Some(stream), Some(rules)) = (stream, &rules) else { continue };
                    let Ok(permit) = bounds[1].clone().try_acquire_owned() else {
                        let _ = stream.try_write(FULL);
                        continue;
                    };
                    open.spawn(work::boxed(serve_one(Box::new(stream), router.clone(), Wire::Tcp(rules.clone()), stopped.clone(), permit)));
                }
                Some(_) = open.join_next() => {}
            }
        }
        drop(self.tcp);
        drop(self.socket);
        let _ = stop.send(true);
        let drained = tokio::time::timeout(DRAIN, async { while open.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            log::warn!("{} requests were still under way when the API closed", open.len());
        }
    }
}

fn bind_tcp(address: SocketAddr) -> Result<(TcpListener, SocketAddr), DoorError> {
    if !address.ip().is_loopback() {
        return Err(DoorError::NotLoopback(address));
    }
    let bind = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let taken = listener.local_addr()?;
        Ok((TcpListener::from_std(listener)?, taken))
    };
    bind().map_err(|source| DoorError::Listen { address, source })
}

fn bind_socket(path: &Path) -> Result<BoundSocket, DoorError> {
    let failed = |source| DoorError::Socket { path: path.to_owned(), source };
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => return Err(DoorError::NotASocket(path.to_owned())),
        Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
            return Err(DoorError::Taken(path.to_owned()));
        }
        // Left over from a daemon that was killed.
        Ok(_) => std::fs::remove_file(path).map_err(failed)?,
        Err(_) => {
            if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).map_err(failed)?;
            }
        }
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    // Between these two lines others may connect; the peer's credentials keep them out.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)).map_err(failed)?;
    let inode = std::fs::symlink_metadata(path).map_err(failed)?.ino();
    Ok(BoundSocket { listener, path: path.to_owned(), inode })
}

impl Drop for BoundSocket {
    /// The path goes with the listener, unless another daemon has taken it meanwhile.
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path).is_ok_and(|meta| meta.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

async fn accept_socket(socket: Option<&BoundSocket>) -> Option<(UnixStream, Caller)> {
    let Some(socket) = socket else { return std::future::pending().await };
    match socket.listener.accept().await {
        Ok((stream, _)) => {
            let caller = peer(&stream);
            if caller.is_none() {
                log::warn!("a connection to {} by another user was refused", socket.path.display());
            }
            caller.map(|caller| (stream, caller))
        }
        Err(e) => {
            short_of(&e).await;
            None
        }
    }
}

async fn accept_tcp(tcp: Option<&(TcpListener, SocketAddr)>) -> Option<tokio::net::TcpStream> {
    let Some((listener, _)) = tcp else { return std::future::pending().await };
    match listener.accept().await {
        Ok((stream, _)) => {
            let _ = stream.set_nodelay(true);
            Some(stream)
        }
        Err(e) => {
            short_of(&e).await;
            None
        }
    }
}

/// Accepting failed, mostly for want of file descriptors: others may end meanwhile.
async fn short_of(error: &std::io::Error) {
    log::error!("a connection could not be accepted: {error}");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Who is at the other end of the socket; nobody else than our user, root and our group is let in.
fn peer(stream: &UnixStream) -> Option<Caller> {
    let credentials = stream.peer_cred().ok()?;
    let our_user = rustix::process::geteuid().as_raw();
    let our_group = rustix::process::getegid().as_raw();
    if credentials.uid() == our_user || credentials.uid() == 0 {
        return Some(Caller::Owner);
    }
    let in_group = credentials.gid() == our_group || further_groups(stream).contains(&our_group);
    in_group.then_some(Caller::Group)
}

/// The credentials carry the first group alone; the kernel keeps the others with the connection. They stand in /proc, too, which the unit hides from us.
#[allow(unsafe_code)]
fn further_groups(stream: &UnixStream) -> Vec<u32> {
    let mut groups: Vec<libc::gid_t> = vec![0; 32];
    // One that has more says how many, and is asked again.
    for _ in 0..2 {
        let size = groups.len() * size_of::<libc::gid_t>();
        let Ok(mut bytes) = libc::socklen_t::try_from(size) else { break };
        // SAFETY: the descriptor is the stream's and open, the buffer is `bytes` long, and the kernel writes at most as much. No safe wrapper of this
        // option is known.
        let done = unsafe {
            let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERGROUPS);
            libc::getsockopt(stream.as_raw_fd(), level, option, groups.as_mut_ptr().cast(), &raw mut bytes)
        };
        groups.resize(bytes as usize / size_of::<libc::gid_t>(), 0);
        if done == 0 {
            return groups;
        }
    }
    Vec::new()
}

/// What HTTP is spoken over, in one form: the program holds its reader and writer once.
pub(super) type Stream = Box<dyn Both>;

/// Both directions of a connection.
pub(super) trait Both: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

/// Puts the way it came into each request.
struct Tagged {
    inner: TowerToHyperService<Router>,
    wire: Wire,
}

impl hyper::service::Service<hyper::Request<Incoming>> for Tagged {
    type Response = <TowerToHyperService<Router> as hyper::service::Service<hyper::Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as hyper::service::Service<hyper::Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as hyper::service::Service<hyper::Request<Incoming>>>::Future;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.wire.clone());
        self.inner.call(request)
    }
}

async fn serve_one(
    stream: Stream,
    router: Router,
    wire: Wire,
    mut stopped: watch::Receiver<bool>,
    permit: OwnedSemaphorePermit,
) {
    let _permit = permit;
    let service = Tagged { inner: TowerToHyperService::new(router), wire };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return log_end(done),
        _ = stopped.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    log_end(connection.await);
}

fn log_end(done: Result<(), hyper::Error>) {
    if let Err(e) = done {
        log::debug!("a connection ended: {e}");
    }
}

/// One connection of a command that has opened the store itself: no listener, the same routes.
pub(super) async fn serve_in_process(stream: Stream, router: Router) {
    let service = Tagged { inner: TowerToHyperService::new(router), wire: Wire::Socket(Caller::Owner) };
    log_end(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_one_too_many_gets_is_a_whole_answer() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["code"], "busy");
    }

    #[tokio::test]
    async fn our_own_groups_are_read_from_the_connection() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut groups = further_groups(&ours);
        let mut expected: Vec<u32> = rustix::process::getgroups().unwrap().iter().map(|g| g.as_raw()).collect();
        groups.sort_unstable();
        expected.sort_unstable();
        assert_eq!(groups, expected);
    }
}
