//! TLS to the acquirer: one pinned authority, one name, and the store's own certificate where the acquirer asks for one.
//!
//! The system's certificates are never used: a payment line trusts whom its configuration names, and nobody else.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

/// Whom to trust, by which name, and who we are. Read once; connections share it.
#[derive(Clone)]
pub struct Tls {
    pub(super) connector: TlsConnector,
    pub(super) name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({:?})", self.name)
    }
}

impl PartialEq for Tls {
    fn eq(&self, other: &Tls) -> bool {
        self.name == other.name && Arc::ptr_eq(self.connector.config(), other.connector.config())
    }
}

impl Eq for Tls {}

/// A host name or an IP address, as a certificate may name it.
#[must_use]
pub fn is_server_name(text: &str) -> bool {
    ServerName::try_from(text).is_ok()
}

impl Tls {
    /// Reads the files (PEM): `ca_file` holds whoever may sign the acquirer's certificate; `client` is the store's chain and its key. Errors name
    /// the file.
    pub fn load(ca_file: &Path, name: &str, client: Option<(&Path, &Path)>) -> io::Result<Tls> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| io::Error::other(format!("{name:?} is no name that a certificate can have")))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(ca_file)? {
            roots.add(certificate).map_err(|e| named(ca_file, &e))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let der = PrivateKeyDer::from_pem_file(key).map_err(|e| named(key, &e))?;
                builder.with_client_auth_cert(certificates(chain)?, der).map_err(|e| named(chain, &e))?
            }
        };
        Ok(Tls { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).map_err(|e| named(path, &e))?;
    let list: Vec<_> = read.collect::<Result<_, _>>().map_err(|e| named(path, &e))?;
    if list.is_empty() {
        return Err(io::Error::other(format!("{}: there is no certificate in it", path.display())));
    }
    Ok(list)
}

fn named(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}
