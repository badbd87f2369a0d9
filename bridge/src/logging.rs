//! Logging: to standard error, as lines for people or JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts logging as the settings say. A second start in one process changes nothing.
pub(crate) fn start(config: &LogConfig) {
    // What libraries find worth telling is noise to an operator.
    let level = config.level.as_str();
    // The broker's library writes what clients send, line breaks and all, and a line a message.
    let filter = EnvFilter::new(format!("warn,mqtt5=off,mqtt5_protocol=off,upturn={level}"));
    let is_terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal);
    let started = match config.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    drop(started);
}
