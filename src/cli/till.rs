//! The till that a command asks: the running daemon, or the store opened by the command itself.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::pin::Pin;

use super::client::{Client, ClientError};
use super::failure::Failure;
use super::wiring::{self, Close};
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
        block_on(async {
            let (till, close) = Till::find(config)?;
            let done = command(&till).await;
            close.await;
            done
        })?
    }

    /// Called inside a runtime. With what closes it again.
    fn find(config: Config) -> Result<(Till, Close), Failure> {
        let alone = match UnixStream::connect(&config.api.socket) {
            Ok(_) => false,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => true,
            Err(e) => {
                let error = ClientError::NotRunning(config.api.socket.display().to_string(), e);
                return Err(Failure::client(error, config.store.lang));
            }
        };
        let (client, close) = if alone {
            let (desk, close) = wiring::open(&config)?;
            (Client::desk(desk, &wiring::api_options(&config)), close)
        } else {
            let nothing: Close = Box::pin(std::future::ready(()));
            (Client::socket(&config.api.socket), nothing)
        };
        Ok((Till { config, client, alone }, close))
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

/// Runs a command's work to its end, on a runtime of its own. In one form, so that the program holds what drives it once.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let mut result = None;
    let work: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(async { result = Some(work.await) });
    runtime()?.block_on(work);
    Ok(result.expect("work that has ended has left its result"))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Os, format!("no runtime: {e}")))
}
