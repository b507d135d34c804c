//! Arguments in, exit code out. And the allocator: what is given back is wiped first, so that a card, a code or a key which passed through a buffer of
//! anybody's (the runtime's, the HTTP library's) is not in a core or a swapped page afterwards.

use std::alloc::System;

use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static WIPED: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> std::process::ExitCode {
    tilld::cli::main(std::env::args_os())
}
