//! Logging: to standard error, as lines for people or JSON for machines.

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts logging as the settings say. A second start in one process changes nothing.
pub(crate) fn start(config: &LogConfig) {
    // What libraries find worth telling is noise to an operator.
    let level = config.level.as_str();
    let filter = EnvFilter::new(format!("warn,upturn={level}"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    drop(started);
}
