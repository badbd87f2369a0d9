//! `upturn backtest`: folds a file of events with the engine that runs live, and prints the tasks
//! that stand at the end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use upturn_core::board::Board;
use upturn_core::decode::{PAYLOAD_MAX, Sources, line};
use upturn_core::engine::{ActiveRule, Engine, Memory};
use upturn_core::event::Event;
use upturn_core::registry::Registry;
use upturn_core::task::{EpisodeState, Task};

use super::output;
use crate::config::Config;
use crate::exit::Exit;
use crate::registry;
use crate::rules;
use crate::supervisor::StartError;

/// How many unread lines are named; the rest are counted.
const NAMED_MAX: usize = 10;
/// A line holds a payload and what stands around it.
const LINE_MAX: usize = 2 * PAYLOAD_MAX;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A rule, or a folder of rules
    #[arg(long, value_name = "PATH")]
    rules: PathBuf,
    /// JSON Lines of captured publishes or native events; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, config: Option<&Path>) -> Exit {
    match fold(args, config) {
        Ok(board) => output::printed(print(&board, args.json)),
        Err(error) => output::failed(&error, error.exit()),
    }
}

/// Why nothing was folded.
#[derive(Debug, thiserror::Error)]
enum BacktestError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("none of the {0} lines became an event; see above")]
    NothingRead(u64),
}

impl BacktestError {
    fn exit(&self) -> Exit {
        match self {
            Self::Start(error) => error.exit(),
            Self::Read { .. } => Exit::NoInput,
            Self::NothingRead(_) => Exit::DataErr,
        }
    }
}

fn fold(args: &Args, config: Option<&Path>) -> Result<Board, BacktestError> {
    // Without a configuration a back-test depends on nothing but its own two files.
    let config = match config {
        Some(path) => Config::load(Some(path)).map_err(StartError::from)?,
        None => Config::default(),
    };
    let rules = rules::load(&args.rules, &config.catalogue()).map_err(StartError::from)?;
    let registry = match &config.registry.dir {
        Some(dir) => registry::load(dir).map_err(StartError::from)?,
        None => Registry::default(),
    };
    let rules = rules.into_iter().map(|loaded| ActiveRule { rule: loaded.rule, since: 0 });
    let engine = Engine::new(rules.collect(), registry, Memory::All);
    let mut replay = Replay::new(engine, config.sources());
    let named = |source| BacktestError::Read { path: args.events.clone(), source };
    let lines = if args.events.as_os_str() == "-" {
        replay.read(&mut io::stdin().lock())
    } else {
        let file = File::open(&args.events).map_err(named)?;
        replay.read(&mut BufReader::with_capacity(1 << 20, file))
    };
    let lines = lines.map_err(named)?;
    if 0 < replay.unread {
        output::note(format_args!("upturn: {} of {lines} lines became no event", replay.unread));
        if replay.unread == lines {
            return Err(BacktestError::NothingRead(lines));
        }
    }
    Ok(replay.board)
}

/// An engine on its way through a file.
struct Replay {
    engine: Engine,
    sources: Sources,
    board: Board,
    /// What was taken in: 128 bits of hash each.
    seen: BTreeSet<[u8; 16]>,
    position: u64,
    unread: u64,
}

impl Replay {
    fn new(engine: Engine, sources: Sources) -> Self {
        let (board, seen) = (Board::default(), BTreeSet::new());
        Self { engine, sources, board, seen, position: 0, unread: 0 }
    }

    /// Folds every line and returns how many there were.
    fn read(&mut self, input: &mut impl BufRead) -> io::Result<u64> {
        let (mut number, mut line, mut effects) = (0, Vec::new(), Vec::new());
        while read_line(input, &mut line)? {
            number += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let log_time = self.engine.log_time().max(DateTime::UNIX_EPOCH);
            let text = String::from_utf8_lossy(&line);
            match line::decode(&text, &self.sources, log_time) {
                Ok(event) => self.take(event, &mut effects),
                Err(error) => {
                    self.unread += 1;
                    if self.unread <= NAMED_MAX as u64 {
                        output::note(format_args!("upturn: line {number}: {error}"));
                    }
                }
            }
        }
        Ok(number)
    }

    fn take(&mut self, event: Event, effects: &mut Vec<upturn_core::effect::Effect>) {
        if !self.seen.insert(key(&event)) {
            return;
        }
        self.position += 1;
        // The engine keeps everything, so it never asks for more history.
        drop(self.engine.handle(self.position, event, effects));
        for effect in effects.drain(..) {
            self.board.apply(effect);
        }
    }
}

/// Reads one line of bounded length; what is longer is cut and will not parse.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut read = 0;
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            return Ok(0 < read);
        }
        let (part, ends) = match available.iter().position(|byte| *byte == b'\n') {
            Some(end) => (available.get(..end).unwrap_or(available), true),
            None => (available, false),
        };
        let room = LINE_MAX.saturating_sub(line.len());
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        let used = part.len() + usize::from(ends);
        read += used;
        input.consume(used);
        if ends {
            return Ok(true);
        }
    }
}

/// Returns what the store's unique key is made of.
fn key(event: &Event) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(event.stated_at.map_or(0, |at| at.timestamp_millis()).to_le_bytes());
    hash.update(event.device.as_str().len().to_le_bytes());
    hash.update(event.device.as_str());
    hash.update(event.id.as_str());
    let mut key = [0; 16];
    key.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    key
}

/// One standing task, as `--json` prints it.
#[derive(Serialize)]
struct Row<'t> {
    rule: &'t str,
    scope: &'t str,
    device: &'t str,
    first_at: String,
    last_at: String,
    evidence: Vec<&'t str>,
    status: EpisodeState,
}

impl<'t> Row<'t> {
    fn of(task: &'t Task) -> Self {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let occasion = &task.occasion;
        Self {
            rule: task.rule.as_str(),
            scope: &task.scope,
            device: task.device.as_str(),
            first_at: text(occasion.first_at),
            last_at: text(occasion.last_at),
            evidence: occasion.evidence.iter().map(|each| each.id.as_str()).collect(),
            status: occasion.episode,
        }
    }
}

fn print(board: &Board, json: bool) -> io::Result<Exit> {
    let tasks = board.by_device_and_time();
    let rows = tasks.iter().map(|task| Row::of(task));
    if json {
        let mut out = io::BufWriter::new(io::stdout().lock());
        for row in rows {
            serde_json::to_writer(&mut out, &row)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        return Ok(Exit::Ok);
    }
    let cells = rows.map(|row| {
        vec![
            row.rule.to_owned(),
            row.scope.to_owned(),
            row.first_at,
            row.last_at,
            row.evidence.len().to_string(),
        ]
    });
    let headings = ["rule", "scope", "first", "last", "events"];
    output::say(output::table(&headings, cells))?;
    output::say(format_args!("tasks that would stand: {}", tasks.len()))?;
    Ok(Exit::Ok)
}
