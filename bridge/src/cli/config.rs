//! `upturn config`: what the settings are.

use std::io::{self, Write};
use std::path::Path;

use clap::Subcommand;

use crate::config::{Config, ConfigError};
use crate::exit::Exit;

/// What to do with the settings.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the settings in force as TOML, with secrets masked
    Print,
}

/// Why `upturn config` came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigCommandError {
    /// The settings are wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nobody took what was printed.
    #[error("the settings cannot be printed; check where the output goes")]
    Write(#[from] io::Error),
}

impl ConfigCommandError {
    /// Returns how the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Config,
            Self::Write(_) => Exit::Software,
        }
    }
}

/// Does `command` with the settings in `file` and the environment.
pub(crate) fn run(
    command: Command,
    file: Option<&Path>,
    out: &mut dyn Write,
) -> Result<Exit, ConfigCommandError> {
    match command {
        Command::Print => print(&Config::load(file)?, out)?,
    }
    Ok(Exit::Ok)
}

fn print(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    match &config.file {
        Some(file) => writeln!(out, "# {}, and the environment", file.display())?,
        None => writeln!(out, "# the defaults and the environment; no file was found")?,
    }
    let settings = config.to_toml().map_err(io::Error::other)?;
    out.write_all(settings.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_settings_that_load_again_under_the_name_of_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("upturn.toml");
        std::fs::write(&path, "[web]\nlisten = \"127.0.0.1:1\"\n").unwrap();
        let mut out = Vec::new();
        assert_eq!(run(Command::Print, Some(&path), &mut out).unwrap(), Exit::Ok);
        let printed = String::from_utf8(out).unwrap();
        assert!(printed.starts_with(&format!("# {}", path.display())), "{printed}");
        let again = folder.path().join("again.toml");
        std::fs::write(&again, &printed).unwrap();
        let mut out = Vec::new();
        assert_eq!(run(Command::Print, Some(&again), &mut out).unwrap(), Exit::Ok);
        let second = String::from_utf8(out).unwrap();
        let settings = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
        assert_eq!(settings(&second), settings(&printed));
    }

    #[test]
    fn ends_with_the_code_for_wrong_settings() {
        let error = run(Command::Print, Some(Path::new("/missing")), &mut Vec::new()).unwrap_err();
        assert_eq!(error.exit() as u8, 78);
    }
}
