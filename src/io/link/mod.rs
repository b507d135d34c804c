//! A connection to the acquirer: TCP, or TLS over it. Bytes only: what they say, and whether to try again, is the lane's affair.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Where the acquirer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS, with the file of certificates that may have signed the acquirer's; without one nothing is trusted.
    pub tls: Option<Option<PathBuf>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub struct Link(Box<dyn Stream>);

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// Makes a connection. Small messages are sent at once, not gathered.
    pub async fn connect(address: &Address) -> io::Result<Link> {
        let tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
        tcp.set_nodelay(true)?;
        let Some(ca_file) = &address.tls else { return Ok(Link(Box::new(tcp))) };
        let connector = TlsConnector::from(Arc::new(tls_config(ca_file.as_ref())?));
        let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
        Ok(Link(Box::new(connector.connect(name, tcp).await?)))
    }

    /// The next bytes; an empty vector where the other side has closed.
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).await
    }

    /// Hands bytes to the line.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }
}

fn tls_config(ca_file: Option<&PathBuf>) -> io::Result<ClientConfig> {
    let Some(path) = ca_file else {
        return Err(io::Error::other("tls:// needs [acquirer] ca_file: the certificates that may sign the acquirer's"));
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| named(path, &e))? {
        roots.add(certificate.map_err(|e| named(path, &e))?).map_err(|e| named(path, &e))?;
    }
    if roots.is_empty() {
        return Err(io::Error::other(format!("{}: there is no certificate in it", path.display())));
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn named(path: &std::path::Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
