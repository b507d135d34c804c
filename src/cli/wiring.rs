//! Where the commands meet the daemon and the demo: what the floors below offer, called here and nowhere else.

use std::pin::Pin;
use std::sync::Arc;

use super::args::DemoArgs;
use super::failure::Failure;
use crate::core::ports::Desk;
use crate::daemon::config::Config;
use crate::daemon::exit::Exit;
use crate::io::http::ApiOptions;

/// Closes what a command has opened.
pub(super) type Close = Pin<Box<dyn Future<Output = ()>>>;

/// The store of this configuration, opened by a command because no daemon runs. Called inside a runtime.
pub(super) fn open(config: &Config) -> Result<(Arc<dyn Desk>, Close), Failure> {
    let shown = config.api.socket.display();
    Err(Failure::new(Exit::Unavailable, format!("no tilld answers at {shown}: start it with `tilld run`")))
}

/// `tilld run`
pub(super) fn run(_config: Config) -> Result<Exit, Failure> {
    Err(not_here("run"))
}

/// `tilld verify`
pub(super) fn verify(_config: Config, _json: bool) -> Result<Exit, Failure> {
    Err(not_here("verify"))
}

/// `tilld demo`
pub(super) fn demo(_args: DemoArgs) -> Result<Exit, Failure> {
    Err(not_here("demo"))
}

fn not_here(command: &str) -> Failure {
    Failure::new(Exit::Unavailable, format!("this build has no `{command}`"))
}

/// The API of this configuration.
pub(super) fn api_options(config: &Config) -> ApiOptions {
    ApiOptions {
        socket: Some(config.api.socket.clone()),
        listen: config.api.listen,
        token_file: config.api.token_file.clone(),
        timeout_ms: config.acquirer.timeout_ms,
        lang: config.store.lang,
    }
}
