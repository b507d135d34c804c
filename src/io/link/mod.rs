//! A connection to the acquirer: TCP, or TLS over it. Bytes only: what they say, and whether to try again, is the lane's affair.

mod tls;

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

pub use tls::{Tls, is_server_name};

/// Where the acquirer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS, and whom it trusts; `None` for plain TCP.
    pub tls: Option<Tls>,
}

/// What a connection is made of.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub struct Link(Box<dyn Stream>);

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// Makes a connection. Small messages are sent at once, not gathered. With TLS nothing is sent before the acquirer's certificate is believed.
    pub async fn connect(address: &Address) -> io::Result<Link> {
        let tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
        tcp.set_nodelay(true)?;
        let Some(tls) = &address.tls else { return Ok(Link(Box::new(tcp))) };
        Ok(Link(Box::new(tls.connector.connect(tls.name.clone(), tcp).await?)))
    }

    /// A connection over something that is one already: a share of another.
    #[must_use]
    pub fn of(stream: impl Stream + 'static) -> Link {
        Link(Box::new(stream))
    }

    /// The next bytes; 0 where the other side has closed.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).await
    }

    /// Hands bytes to the line.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }
}
