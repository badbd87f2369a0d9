//! The registry's documents: `calendar.toml`, `calendars/NAME.toml`, `hand-overs.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use upturn_core::calendar::Calendar;
use upturn_core::registry::hand_over::{HandOverError, HandOvers};
use upturn_core::registry::{Person, Registry};

use super::problem::Problems;
use super::table;

/// The working hours of all.
pub(super) const CALENDAR: &str = "calendar.toml";
/// What has to be said when tasks change hands.
pub(super) const HAND_OVERS: &str = "hand-overs.toml";
/// The folder with the calendars of people and teams that work by another one.
const CALENDARS: &str = "calendars";

/// Reads the documents in `folder`; one that is missing leaves what `registry` has.
pub(super) fn load(folder: &Path, registry: &mut Registry, problems: &mut Problems) {
    let path = folder.join(CALENDAR);
    if let Some(calendar) = read(&path, problems).and_then(|text| calendar(&path, &text, problems))
    {
        registry.calendar = calendar;
    }
    let path = folder.join(HAND_OVERS);
    if let Some(text) = read(&path, problems) {
        match HandOvers::from_toml(&text) {
            Ok(hand_overs) => registry.hand_overs = hand_overs,
            Err(error) => problems.report(&path, line_of(&error, &text), error.to_string()),
        }
    }
    for path in calendar_files(&folder.join(CALENDARS), problems) {
        let Some(team) = path.file_stem().and_then(|team| team.to_str()).map(Box::from) else {
            continue;
        };
        let found = read(&path, problems).and_then(|text| calendar(&path, &text, problems));
        if let Some(calendar) = found {
            registry.calendars.insert(team, calendar);
        }
    }
}

/// Says which calendars nobody works by.
pub(super) fn check_calendars(folder: &Path, registry: &Registry, problems: &mut Problems) {
    for name in registry.calendars.keys() {
        let is_it = |id: &Option<Box<str>>| id.as_ref() == Some(name);
        let works_by_it = |person: &Person| is_it(&person.team) || is_it(&person.calendar);
        if !registry.people.values().any(works_by_it) {
            let path = folder.join(CALENDARS).join(format!("{name}.toml"));
            let message = format!(
                "nobody in people.csv works by '{name}', as a team or a calendar; rename the file"
            );
            problems.report(&path, None, message);
        }
    }
}

/// Returns the text of a file, unless it is missing or cannot be read.
fn read(path: &Path, problems: &mut Problems) -> Option<String> {
    table::read_text(path).unwrap_or_else(|(line, message)| {
        problems.report(path, line, message);
        None
    })
}

fn calendar(path: &Path, text: &str, problems: &mut Problems) -> Option<Calendar> {
    let errors = match Calendar::from_toml(text) {
        Ok(calendar) => return Some(calendar),
        Err(errors) => errors,
    };
    for error in errors {
        problems.report(path, u64::try_from(error.line()).ok(), error.to_string());
    }
    None
}

/// Returns the files of calendars, in the order of their names.
fn calendar_files(folder: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            problems.report(folder, None, format!("cannot be read: {error}"));
            return Vec::new();
        }
    };
    let is_toml = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml");
    let mut files: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_toml).collect();
    files.sort();
    files
}

fn line_of(error: &HandOverError, text: &str) -> Option<u64> {
    let HandOverError::Document { at, .. } = error else { return None };
    let before = text.get(..*at)?;
    u64::try_from(1 + before.matches('\n').count()).ok()
}
