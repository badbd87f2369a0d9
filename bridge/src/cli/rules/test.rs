//! `upturn rules test`: plays scenarios and says where what stands is not what was expected.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use upturn_core::catalogue::Catalogue;
use upturn_core::decode::Sources;
use upturn_core::rule::finding::Finding;
use upturn_core::scenario::{Difference, Loader, Scenario, Setting};

use super::super::output;
use crate::config::Config;
use crate::exit::Exit;
use crate::rules;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Scenarios, or folders of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, config: Option<&Path>) -> Exit {
    // Without a configuration a scenario depends on nothing but its own files.
    let config = match config.map(|path| Config::load(Some(path))).transpose() {
        Ok(config) => config.unwrap_or_default(),
        Err(error) => return output::failed(&error, Exit::Config),
    };
    let mut played = Vec::new();
    for path in &args.paths {
        let files = match rules::files_in(path) {
            Ok(files) => files,
            Err(error) => return output::failed(&error, Exit::NoInput),
        };
        for file in files {
            match play(&file, &config.catalogue(), &config.sources()) {
                Ok(one) => played.push(one),
                Err(error) => {
                    output::note(format_args!("upturn: cannot read {}: {error}", file.display()));
                    return Exit::NoInput;
                }
            }
        }
    }
    output::printed(print(&played, args.json, &mut io::stdout().lock()))
}

/// A scenario and how it went.
#[derive(Debug)]
struct Played {
    path: PathBuf,
    title: Option<String>,
    findings: Vec<Finding>,
    differences: Vec<Difference>,
}

fn play(path: &Path, catalogue: &Catalogue, sources: &Sources) -> io::Result<Played> {
    let text = std::fs::read_to_string(path)?;
    let loader = Files { folder: path.parent().unwrap_or_else(|| Path::new("")) };
    let setting = Setting { catalogue, sources, loader: &loader };
    let (title, findings, differences) = match Scenario::read(&text, &setting) {
        Ok(scenario) => (scenario.title.clone(), Vec::new(), scenario.run(sources)),
        Err(findings) => (None, findings, Vec::new()),
    };
    Ok(Played { path: path.to_owned(), title, findings, differences })
}

/// Files beside a scenario.
struct Files<'f> {
    folder: &'f Path,
}

impl Loader for Files<'_> {
    fn text(&self, path: &str) -> Result<String, String> {
        let path = self.folder.join(path);
        std::fs::read_to_string(&path)
            .map_err(|error| format!("'{}' cannot be read: {error}", path.display()))
    }

    fn rules(&self, path: &str) -> Result<Vec<String>, String> {
        let files = rules::files_in(&self.folder.join(path)).map_err(|error| error.to_string())?;
        let read = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .map_err(|error| format!("'{}' cannot be read: {error}", file.display()))
        };
        files.iter().map(read).collect()
    }
}

/// One scenario, as `--json` prints it.
#[derive(Serialize)]
struct Row<'p> {
    path: String,
    title: Option<&'p str>,
    ok: bool,
    differences: &'p [Difference],
    findings: Vec<FindingRow<'p>>,
}

#[derive(Serialize)]
struct FindingRow<'p> {
    line: usize,
    column: usize,
    code: &'p str,
    message: &'p str,
    cure: &'p str,
}

impl<'p> Row<'p> {
    fn of(played: &'p Played) -> Self {
        let finding = |f: &'p Finding| FindingRow {
            line: f.line,
            column: f.column,
            code: f.code,
            message: &f.message,
            cure: &f.cure,
        };
        Self {
            path: played.path.display().to_string(),
            title: played.title.as_deref(),
            ok: played.is_ok(),
            differences: &played.differences,
            findings: played.findings.iter().map(finding).collect(),
        }
    }
}

impl Played {
    fn is_ok(&self) -> bool {
        self.findings.is_empty() && self.differences.is_empty()
    }
}

fn print(all: &[Played], json: bool, out: &mut dyn Write) -> io::Result<Exit> {
    if json {
        let rows: Vec<_> = all.iter().map(Row::of).collect();
        serde_json::to_writer_pretty(&mut *out, &serde_json::json!({ "scenarios": rows }))?;
        writeln!(out)?;
    } else {
        for one in all {
            print_one(one, out)?;
        }
        let held = all.iter().filter(|one| one.is_ok()).count();
        writeln!(out, "{held} of {} scenarios hold", all.len())?;
    }
    let is_wrong = all.iter().any(|one| !one.findings.is_empty());
    let is_other = all.iter().any(|one| !one.differences.is_empty());
    Ok(if is_wrong {
        Exit::DataErr
    } else if is_other {
        Exit::Findings
    } else {
        Exit::Ok
    })
}

fn print_one(played: &Played, out: &mut dyn Write) -> io::Result<()> {
    let Played { path, title, findings, differences } = played;
    let path = path.display();
    for Finding { line, column, code, message, cure, .. } in findings {
        writeln!(out, "{path}:{line}:{column}: error[{code}]: {message}")?;
        writeln!(out, "  help: {cure}")?;
    }
    if !findings.is_empty() {
        return Ok(());
    }
    let title = title.as_deref().unwrap_or("without a title");
    let word = if differences.is_empty() { "ok    " } else { "FAILED" };
    writeln!(out, "{word} {path}: {title}")?;
    for difference in differences {
        for line in difference.to_string().lines() {
            writeln!(out, "       {line}")?;
        }
    }
    Ok(())
}
