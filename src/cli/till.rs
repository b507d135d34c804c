//! The till that a command asks: the running daemon, or the store opened by the command itself.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;

use super::client::{Client, ClientError};
use super::failure::Failure;
use super::wiring;
use crate::core::domain::{Lang, Minor};
use crate::daemon::config::Config;
use crate::daemon::exit::Exit;

/// One command's view of the till.
#[derive(Debug)]
pub(super) struct Till {
    pub config: Config,
    pub client: Client,
    /// No daemon runs: the store is open, and no line is taken up.
    pub alone: bool,
}

impl Till {
    /// Finds the daemon, or opens the store, and runs a command against it.
    pub fn ask(config: Config, command: impl AsyncFnOnce(&Till) -> Result<Exit, Failure>) -> Result<Exit, Failure> {
        runtime()?.block_on(async {
            let (client, close) = match UnixStream::connect(&config.api.socket) {
                Ok(_) => (Client::socket(&config.api.socket), None),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                    let (desk, close) = wiring::open(&config)?;
                    (Client::desk(desk, &wiring::api_options(&config)), Some(close))
                }
                Err(e) => {
                    let error = ClientError::NotRunning(config.api.socket.display().to_string(), e);
                    return Err(Failure::client(error, config.store.lang));
                }
            };
            let till = Till { config, client, alone: close.is_some() };
            let done = command(&till).await;
            if let Some(close) = close {
                close.await;
            }
            done
        })
    }

    /// The store's language.
    pub fn lang(&self) -> Lang {
        self.config.store.lang
    }

    /// One of two texts.
    pub fn say<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        match self.lang() {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    /// An amount in the store's currency.
    pub fn money(&self, amount: Minor) -> String {
        amount.grouped(self.config.store.currency.exponent())
    }

    /// A failed request as a failed command.
    pub fn failed(&self, error: ClientError) -> Failure {
        Failure::client(error, self.lang())
    }
}

/// A runtime for a command.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Os, format!("no runtime: {e}")))
}
