//! Arguments in, exit code out.

fn main() -> std::process::ExitCode {
    tilld::cli::main(std::env::args_os())
}
