//! The `upturn` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    upturn::cli::run()
}
