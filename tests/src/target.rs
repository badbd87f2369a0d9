//! Software that others wrote, started by the recipes in `tests/targets`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use crate::shared::left_out;

/// A server that runs as long as this value lives.
#[derive(Debug)]
pub struct Target {
    recipe: PathBuf,
    values: BTreeMap<String, String>,
}

impl Target {
    /// Starts what the recipe `name` starts, with `arguments`; `None`, with one line that says why,
    /// where it cannot run.
    pub fn start(name: &str, arguments: &[&Path], said: &'static Once) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets");
        let recipe = folder.join(format!("{name}.sh"));
        let started = Command::new(&recipe).arg("start").args(arguments).output().unwrap();
        if started.status.code() == Some(69) {
            let why = String::from_utf8_lossy(&started.stderr);
            left_out(said, why.trim().lines().last().unwrap_or_default());
            return None;
        }
        assert!(started.status.success(), "{}: {started:?}", recipe.display());
        let printed = String::from_utf8(started.stdout).unwrap();
        let lines = printed.lines().filter_map(|line| line.split_once('='));
        let values =
            lines.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()));
        Some(Self { recipe, values: values.collect() })
    }

    /// Returns what the recipe printed under `name`.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).expect("the recipe prints it")
    }

    /// Returns a port it printed.
    pub fn port(&self, name: &str) -> u16 {
        self.get(name).parse().unwrap()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(folder) = self.values.get("DIR") {
            // Where it does not stop, the recipe says so itself.
            drop(Command::new(&self.recipe).arg("stop").arg(folder).status());
        }
    }
}
