//! Where the commands meet the daemon and the demo: what the floors below offer, called here and nowhere else.

use std::pin::Pin;
use std::sync::Arc;

use super::args::DemoArgs;
use super::failure::Failure;
use super::till::block_on;
use super::{env_lang, out};
use crate::core::ports::{Desk, StoreError};
use crate::daemon::config::Config;
use crate::daemon::exit::Exit;
use crate::daemon::start::{self, Running, StartError, Wires};
use crate::demo::{DemoError, DemoOptions};
use crate::io::http::{ApiOptions, DoorError};

/// Closes what a command has opened.
pub(super) type Close = Pin<Box<dyn Future<Output = ()>>>;

/// The store of this configuration, opened by a command because no daemon runs. Called inside a runtime.
pub(super) fn open(config: &Config) -> Result<(Arc<dyn Desk>, Close), Failure> {
    let running = Running::start(config, Wires::None).map_err(not_started)?;
    let desk: Arc<dyn Desk> = running.till.clone();
    Ok((desk, Box::pin(running.stop())))
}

/// `tilld run`
pub(super) fn run(config: Config) -> Result<Exit, Failure> {
    block_on(start::run(&config, start::asked_to_stop()))?.map(|()| Exit::Ok).map_err(not_started)
}

/// Why the daemon does not start, as an exit code.
pub(super) fn not_started(error: StartError) -> Failure {
    let exit = match &error {
        StartError::ClockNeverSet(sentence) => return Failure::new(Exit::TempFail, sentence.in_lang(env_lang())),
        StartError::Folder { .. } => Exit::CantCreate,
        StartError::Table(_) => Exit::Config,
        StartError::Store(StoreError::Unusable(_)) | StartError::Door(DoorError::Taken(_)) => Exit::TempFail,
        StartError::Store(_) => Exit::Io,
        StartError::Vault(_) | StartError::Keys(_) => Exit::NoPerm,
        StartError::Serial(_) => Exit::Unavailable,
        StartError::Door(_) | StartError::System(_) => Exit::Os,
    };
    Failure::new(exit, error.to_string())
}

/// `tilld demo`: progress on standard error with `--json`, so that standard output is the object alone.
pub(super) fn demo(args: DemoArgs) -> Result<Exit, Failure> {
    let json = args.json;
    let options = DemoOptions { dir: args.dir, bridge: args.bridge, lang: env_lang() };
    let tell = Box::new(move |line: &str| {
        if json {
            out::say(line);
        } else {
            // A reader that goes away stops the telling, not the playing.
            let _ = out::text(line);
        }
    });
    let result = block_on(crate::demo::play(options, tell))?.map_err(|e| {
        let exit = match &e {
            DemoError::Setup(_) => Exit::CantCreate,
            DemoError::Api(_) | DemoError::Judged(_) => Exit::Findings,
        };
        Failure::new(exit, e.to_string())
    })?;
    if json {
        out::json(&result.json)?;
    } else {
        out::text(&result.report)?;
        out::text(&result.summary(env_lang()))?;
    }
    Ok(if result.good { Exit::Ok } else { Exit::Findings })
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
